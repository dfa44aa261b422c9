"""Which numbers of ``stated`` stand in which row of README's findings, of the answers and in which
point of the story, in the order in which they stand there."""

from __future__ import annotations

LSTM_NOTE = tuple(f"note: LSTM {one}" for one in ("original", "end", "carried", "kept"))
NOTE_RANDOM = tuple(f"note: {one}" for one in ("carried", "kept", "fresh"))
LONGER = ("later: one longer", "later: one longer, one-shot", "later: three longer")
OF_BEFORE = ("later: rate rewound", "later: fine-tuned")
CRITERIA = ("as good", "layers", "words", "better", "rounds")
"""Claims of criteria, each of two contrasts."""
OF_CRITERIA = {name: (f"criteria: {name}, first", f"criteria: {name}, second") for name in CRITERIA}
COMPETING = tuple(f"layers compete, {number}" for number in range(3))
README = {
    "A CNN has winning tickets at": (
        "new: ticket dense", "new: ticket new", "new: LSTM dense", "new: LSTM new", "new: clearer",
    ),
    "Tickets at 36 and 59": ("new: beats dense", "again: beats dense", "new: LSTM beats dense"),
    "By the earlier study's protocol": ("note: LSTM original", "note: LSTM fresh"),
    "From 59 to 83.2": ("new: one-shot", "new: LSTM one-shot"),
    "Past 95 %": ("new: random", "new: random one-shot", *NOTE_RANDOM),
    "Very sparse CNNs": ("new: steps", "new: rate 83.2", "new: rate 97.2"),
    "Late rewinding": ("new: rewound", "new: rewound one-shot", *LONGER, *OF_BEFORE),
    "Much of a ticket": ("words, counts", "words, rest", "new: same cost", "later: gradual"),
    "A ticket from IMDB": (
        "new: transfer dense", "new: transfer new", "news transfer: dense", "news transfer: new",
    ),
    "Networks that begin": (
        "new cnn_glove dense", "new lstm_glove dense", "news: dense", "news: new",
    ),
    "A CNN that is pruned before": (
        *OF_CRITERIA["as good"], OF_CRITERIA["words"][0], OF_CRITERIA["layers"][0],
        *OF_CRITERIA["rounds"][::-1], OF_CRITERIA["better"][0],
    ),
    "At 97.2 %": COMPETING,
}  # fmt: skip
ANSWERS = {
    "A CNN has winning tickets": ("new: ticket dense", "new: ticket new"),
    "An LSTM has winning tickets": ("new: LSTM dense", "new: LSTM new"),
    "They are far clearer": ("new: clearer",),
    "Some tickets beat": ("new: beats dense", "new: LSTM beats dense"),
    "The same, asked again": ("again: beats dense",),
    "An LSTM's tickets beat": LSTM_NOTE,
    "They do so by their mask": ("note: LSTM fresh",),
    "One-shot": ("new: one-shot", "new: LSTM one-shot"),
    "Past 95 %": ("new: random", "new: random one-shot"),
    "By the note's protocol": NOTE_RANDOM,
    "The trained embedding": ("note: carried - kept", "note: carried - fresh"),
    "Very sparse": ("new: steps",),
    "Late rewinding is much better": ("new: rewound", "new: LSTM rewound"),
    "It is not decisive": ("new: rewound one-shot", "new: LSTM rewound one-shot"),
    "Late rewinding does more": LONGER,
    "Weights of the round before": OF_BEFORE,
    "Much of a ticket": ("words, counts", "words, rest"),
    "A ticket is better than the best": ("new: same cost",),
    "A ticket is better than gradual": ("later: gradual",),
    "Learning rates": ("new: rate 83.2", "new: rate 97.2", "new: rate, beyond dense"),
    "A ticket from IMDB": ("new: transfer dense", "new: transfer new"),
    "It wins on AG News": ("news transfer: dense", "news transfer: new"),
    "A CNN that begins with GloVe": ("new cnn_glove dense", "new cnn_glove new"),
    "So has an LSTM": ("new lstm_glove dense", "new lstm_glove new"),
    "A CNN has winning tickets on AG News": ("news: dense", "news: new"),
    "Pruning at initialisation": OF_CRITERIA["as good"],
    "A mask drawn at initialisation": OF_CRITERIA["layers"],
    "It says how many": OF_CRITERIA["words"],
    "There is a better criterion": OF_CRITERIA["better"],
    "Pruning in rounds": OF_CRITERIA["rounds"],
    "A ticket is better where": COMPETING,
}
STORY = {
    "A CNN has winning": ("new: ticket dense", "new: ticket new", "new 0.972", "below dense"),
    "An LSTM has no": ("new: LSTM new", "new: LSTM dense", "new: clearer"),
    "As the note's code": (
        "note: LSTM original", "note: LSTM carried", "note: LSTM fresh", "note: longer",
    ),
    "Tickets at 36": (),
    "Rounds pay late": ("new: LSTM one-shot", "LSTM shot 0.832", "one shot behind"),
    "Past 95 %": ("new: random", "new: random one-shot", "note: carried", "note: fresh"),
    "Late rewinding": ("new: rewound", "new: rewound one-shot", *LONGER, *OF_BEFORE),
    "At 97.2 %": (),
    "Much of a ticket": ("words 0.832", "all words 0.832", "words 0.972", "all words 0.972"),
    "A ticket lies near": ("later: gradual",),
    "Transfer": ("new: transfer dense", "news transfer: dense", "news own"),
    "Other beginnings": (),
    "Where layers compete": COMPETING[:2],
    "Pruned before": (
        *OF_CRITERIA["as good"], OF_CRITERIA["layers"][0], OF_CRITERIA["rounds"][0],
    ),
}  # fmt: skip
