"""What README and the results' READMEs state, and what computes it from the committed tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.criteria_page import of_competing_layers, weights_asked
from tests.recomputing import (
    AT_END,
    AT_ONE,
    CARRIED,
    CONTROLLED,
    CONTROLS,
    FINE_TUNED,
    GRID,
    KEPT,
    LENGTHS,
    LSTM_LEVELS,
    MIDDLE,
    NEW,
    NOTE_LEVELS,
    OWN,
    RANDOM,
    RANDOM_NEW,
    RATE_REWOUND,
    SHOT,
    SHOT_END,
    SHOT_NEW,
    SHOT_ONE,
    SOURCE,
    SOURCE_NEW,
    TARGET_DENSE,
    TICKET,
    Interval,
    apart,
    arm,
    at_best,
    at_rate,
    below_dense,
    best_of_dense,
    beyond_control,
    beyond_gradual,
    beyond_length,
    cell,
    clearer,
    control,
    dense,
    exponent,
    found,
    gain,
    mean_of,
    move,
    moved_over,
    over,
    raised,
    shared_films,
    steps,
    steps_to_dense,
    stretched_to_dense,
    t,
    to_dense,
    turned,
    welch,
    words,
)
from tests.rows import CRITERIA, README

Said = tuple[str, str, Callable[[], Interval]]


def _claims(page: str) -> Iterator[Said]:
    """The claims' table of seeds 1 to 3."""
    yield page, "CNN 83.2 ticket dense", lambda: to_dense("cnn", TICKET, 0.832)
    yield page, "CNN 83.2 ticket new", lambda: apart("cnn", TICKET, NEW, 0.832)
    yield page, "larger CNN dense", lambda: found("cnn", "ticket - dense")
    yield page, "larger CNN new", lambda: found("cnn", "ticket - reinit")
    yield page, "LSTM 67.2 ticket dense", lambda: to_dense("lstm", TICKET, 0.672)
    yield page, "LSTM 67.2 ticket new", lambda: apart("lstm", TICKET, NEW, 0.672)
    yield page, "larger LSTM dense", lambda: found("lstm", "ticket - dense")
    yield page, "larger LSTM new", lambda: found("lstm", "ticket - reinit")
    yield page, "LSTM - CNN", clearer
    yield page, "one-shot CNN", lambda: apart("cnn", SHOT, TICKET, *MIDDLE)
    yield page, "one-shot LSTM", lambda: apart("lstm", SHOT, TICKET, 0.59, 0.832)
    yield page, "one-shot LSTM 59", lambda: apart("lstm", SHOT, TICKET, 0.59)
    yield page, "random one-shot", lambda: apart("cnn", SHOT_NEW, SHOT, 0.972)
    yield page, "random iterative", lambda: apart("cnn", RANDOM, TICKET, 0.972)
    yield page, "steps", steps
    yield page, "exponent", exponent
    yield page, "rewound CNN", lambda: apart("cnn", AT_ONE, TICKET, *GRID)
    yield page, "rewound CNN, not sparsest", lambda: apart("cnn", AT_ONE, TICKET, *GRID[:-1])
    yield page, "rewound LSTM", lambda: apart("lstm", AT_ONE, TICKET, *LSTM_LEVELS)
    yield page, "rewound to the end LSTM", lambda: apart("lstm", AT_END, TICKET, *LSTM_LEVELS)
    yield page, "rewound one-shot CNN", lambda: apart("cnn", SHOT_ONE, SHOT, *GRID)
    yield page, "rewound to the end one-shot", lambda: apart("cnn", SHOT_END, SHOT, *GRID)
    yield page, "transfer dense", lambda: move("cnn", SOURCE, TARGET_DENSE, 0.832)
    yield page, "transfer new", lambda: move("cnn", SOURCE, SOURCE_NEW, 0.832)


def _answers(page: str) -> Iterator[Said]:
    """What was asked beforehand, of new seeds."""
    cnn = "new cnn"
    yield page, "new: ticket dense", lambda: below_dense(cnn, TICKET, 0.832)
    yield page, "new: ticket new", lambda: apart(cnn, TICKET, NEW, 0.832)
    yield page, "new: beats dense", lambda: below_dense(cnn, TICKET, 0.36, 0.59)
    yield page, "new: one-shot", lambda: apart(cnn, SHOT, TICKET, *MIDDLE)
    yield page, "new: random", lambda: apart(cnn, RANDOM, TICKET, 0.972)
    yield page, "new: random one-shot", lambda: apart(cnn, SHOT_NEW, SHOT, 0.972)
    yield page, "new: steps", steps_to_dense
    yield page, "new: rewound", lambda: apart(cnn, AT_ONE, TICKET, *GRID)
    yield page, "new: rewound, sparsest", lambda: apart(cnn, AT_ONE, TICKET, 0.972)
    yield page, "new: rewound, else", lambda: apart(cnn, AT_ONE, TICKET, *GRID[:-1])
    yield page, "new: rewound one-shot", lambda: apart(cnn, SHOT_ONE, SHOT, *GRID)
    yield page, "news: dense", lambda: below_dense("new ag_news", TICKET, 0.832)
    yield page, "news: new", lambda: apart("new ag_news", TICKET, NEW, 0.832)
    nine = best_of_dense(cnn, 9)
    yield page, "new: same cost", lambda: welch(cell(cnn, *TICKET, 0.832), nine)
    yield page, "new: rate 83.2", lambda: t(raised("ticket", 0.832))
    yield page, "new: rate 97.2", lambda: t(raised("ticket", 0.972))
    yield (
        page,
        "new: rate, beyond dense",
        lambda: welch(raised("ticket", 0.972), raised("dense", 0.0)),
    )
    lstm, shots = "new lstm_long", (0.59, 0.832)
    yield page, "new: LSTM dense", lambda: below_dense(lstm, TICKET, 0.672)
    yield page, "new: LSTM new", lambda: apart(lstm, TICKET, NEW, 0.672)
    yield (
        page,
        "new: clearer",
        lambda: welch(*(over(name, TICKET, NEW, (0.36, 0.59)) for name in (lstm, cnn))),
    )
    yield page, "new: LSTM beats dense", lambda: below_dense(lstm, TICKET, 0.36, 0.59)
    yield page, "new: LSTM one-shot", lambda: apart(lstm, SHOT, TICKET, *shots)
    yield page, "new: LSTM rewound", lambda: apart(lstm, AT_ONE, TICKET, *LSTM_LEVELS)
    yield page, "new: LSTM rewound one-shot", lambda: apart(lstm, SHOT_ONE, SHOT, *shots)
    there = arm("new", *TARGET_DENSE, 0.0)
    yield page, "new: transfer dense", lambda: welch(arm("new", *SOURCE, 0.832), there)
    yield page, "new: transfer new", lambda: move("new", SOURCE, SOURCE_NEW, 0.832)
    yield page, "again: beats dense", lambda: below_dense("again cnn", TICKET, 0.36, 0.59)
    news = arm("news", *TARGET_DENSE, 0.0)
    yield page, "news transfer: dense", lambda: welch(arm("news", *SOURCE, 0.832), news)
    yield page, "news transfer: new", lambda: move("news", SOURCE, SOURCE_NEW, 0.832)
    for name, level in (("new cnn_glove", 0.832), ("new lstm_glove", 0.672)):
        yield page, f"{name} dense", lambda n=name, at=level: below_dense(n, TICKET, at)
        yield page, f"{name} new", lambda n=name, at=level: apart(n, TICKET, NEW, at)
    for name, kind in (("original", TICKET), ("end", AT_END), ("carried", CARRIED), ("kept", KEPT)):
        yield (
            page,
            f"note: LSTM {name}",
            lambda kind=kind: below_dense("note lstm", kind, *NOTE_LEVELS),
        )
    yield page, "note: LSTM fresh", lambda: below_dense("note lstm", RANDOM, *NOTE_LEVELS)
    note = "note cnn"
    for name, kind in (("carried", CARRIED), ("kept", KEPT), ("fresh", RANDOM)):
        yield page, f"note: {name}", lambda kind=kind: apart(note, kind, TICKET, 0.972)
    yield page, "note: carried - kept", lambda: apart(note, CARRIED, KEPT, 0.972)
    yield page, "note: carried - fresh", lambda: apart(note, CARRIED, RANDOM, 0.972)
    both = (0.832, 0.972)
    for name, of_what in LENGTHS.items():
        yield page, f"later: {name}", lambda of_what=of_what: t(beyond_length(*of_what))
    for name, kind in (("rate rewound", RATE_REWOUND), ("fine-tuned", FINE_TUNED)):
        yield page, f"later: {name}", lambda kind=kind: apart("later cnn", kind, AT_ONE, *both)
    yield page, "later: gradual", lambda: t(beyond_gradual())
    for name, family in zip(CRITERIA, weights_asked().values(), strict=True):
        for which, differences in zip(("first", "second"), family, strict=True):
            yield page, f"criteria: {name}, {which}", lambda one=differences: t(one)
    for number, groups in enumerate(of_competing_layers()):
        yield page, f"layers compete, {number}", lambda groups=groups: welch(*groups)
    yield page, "words, counts", lambda: t(words("shuffled_words", "shuffled", *both))
    yield page, "words, rest", lambda: t(words("ticket", "shuffled_words", *both))


def _results() -> Iterator[Said]:
    page, cnn = "answers", "new cnn"
    yield from _answers(page)
    for level in (0.59, 0.738, 0.972):
        yield page, f"new {level}", lambda level=level: apart(cnn, TICKET, NEW, level)
    for level in (0.832, 0.972):
        yield (
            page,
            f"words {level}",
            lambda level=level: t(words("shuffled_words", "shuffled", level)),
        )
    yield (
        page,
        "note: LSTM fresh, as pairs",
        lambda: t(mean_of("note lstm", RANDOM, NOTE_LEVELS) - dense("note lstm")),
    )
    later = "later cnn"
    for name in CONTROLS:
        yield page, f"control: {name}", lambda name=name: t(beyond_control(name))
    for level in (0.832, 0.972):
        for name, kind in (("rate rewound", RATE_REWOUND), ("fine-tuned", FINE_TUNED)):
            yield (
                page,
                f"later: {name} {level}",
                lambda kind=kind, level=level: apart(later, kind, AT_ONE, level),
            )
    yield page, "later: in rounds", lambda: apart(later, RATE_REWOUND, AT_END, 0.832)
    yield page, "below dense", lambda: turned(below_dense(cnn, TICKET, 0.972))
    yield page, "rate, dense", lambda: t(raised("dense", 0.0))
    yield page, "news, random mask", lambda: move("news", RANDOM_NEW, SOURCE_NEW, 0.832)
    lstm = "new lstm_long"
    yield page, "LSTM below dense", lambda: turned(below_dense(lstm, TICKET, 0.832))
    for name, level in (("new cnn_glove", 0.832), ("new lstm_glove", 0.672)):
        yield page, f"{name} one shot", lambda n=name, at=level: apart(n, SHOT, TICKET, at)
    yield page, "LSTM, drawn anew", lambda: apart(lstm, RANDOM, TICKET, 0.672)
    for level in (0.59, 0.832):
        yield page, f"LSTM shot {level}", lambda level=level: apart(lstm, SHOT, TICKET, level)
    for level in (0.36, 0.832):
        yield (
            page,
            f"own {level}",
            lambda level=level: welch(arm("new", *SOURCE, level), arm("new", *OWN, level)),
        )
    news = arm("news", *TARGET_DENSE, 0.0)
    yield page, "news 36", lambda: welch(arm("news", *SOURCE, 0.36), news)
    own = arm("news", *OWN, 0.832)
    yield page, "news own", lambda: turned(welch(own, news))
    yield page, "news less own", lambda: turned(welch(arm("news", *SOURCE, 0.832), own))
    for name in ("note_cnn_small", "note_lstm_small"):
        yield page, f"films {name}", lambda name=name: shared_films(name)
    note = "note cnn"
    yield page, "note: below dense", lambda: turned(below_dense(note, CARRIED, 0.972))
    yield page, "note: ticket", lambda: turned(below_dense(note, TICKET, 0.832))
    for name, kind in (("fresh", RANDOM), ("carried", CARRIED)):
        yield page, f"note: {name} 83.2", lambda kind=kind: apart(note, kind, TICKET, 0.832)
    longer = dense("longer lstm")
    yield page, "note: longer", lambda: welch(mean_of("note lstm", TICKET, NOTE_LEVELS), longer)
    yield page, "note: as long", lambda: welch(cell("note lstm", *TICKET, 0.2), longer)
    two = (0.36, 0.832)
    yield page, "own", lambda: welch(moved_over(SOURCE, *two), moved_over(OWN, *two))
    for level in (0.36, 0.972):
        yield (
            page,
            f"transfer {level}",
            lambda level=level: welch(arm("new", *SOURCE, level), arm("new", *TARGET_DENSE, 0.0)),
        )
    yield page, "transfer, random mask", lambda: move("new", SOURCE_NEW, RANDOM_NEW, 0.832)
    yield page, "one shot behind", lambda: turned(apart(cnn, SHOT, TICKET, 0.972))
    yield (
        page,
        "rewinding, iterative - one-shot",
        lambda: t(over(cnn, AT_ONE, TICKET, GRID) - over(cnn, SHOT_ONE, SHOT, GRID)),
    )


def _first() -> Iterator[Said]:
    page = "first"
    yield from _claims(page)
    yield page, "one-shot LSTM 83.2", lambda: apart("lstm", SHOT, TICKET, 0.832)
    yield page, "rewound end CNN", lambda: apart("cnn", AT_END, TICKET, *GRID)
    yield page, "rewound LSTM one-shot", lambda: apart("lstm", SHOT_ONE, SHOT, 0.59, 0.832)
    yield page, "to the end LSTM one-shot", lambda: apart("lstm", SHOT_END, SHOT, 0.59, 0.832)
    yield page, "higher rate LSTM", lambda: gain("lstm", "ticket", 0.832, above=0.01)
    yield page, "transfer LSTM", lambda: move("lstm", SOURCE, TARGET_DENSE, 0.832)
    yield page, "transfer LSTM new", lambda: move("lstm", SOURCE, SOURCE_NEW, 0.832)
    yield page, "sparsest one-shot", lambda: to_dense("cnn", SHOT, 0.972)
    yield page, "sparsest iterative", lambda: to_dense("cnn", TICKET, 0.972)
    yield page, "LSTM below", lambda: turned(to_dense("lstm", TICKET, 0.672))
    yield page, "LSTM below 83.2", lambda: turned(to_dense("lstm", TICKET, 0.832))
    for level in CONTROLLED:
        for kind in (
            ("one_shot", "random", "original"), ("iterative", "shuffled", "original"),
            ("iterative", "magnitude", "signs"), ("iterative", "head_pruned", "original"),
            ("gradual", "gradual", "fresh"), ("dense", "dense", "fresh"),
        ):  # fmt: skip
            yield page, f"{kind} {level}", lambda kind=kind, level=level: control(*kind, level)
    yield page, "ticket - three epochs", stretched_to_dense
    yield page, "rewound one-shot, not sparsest", lambda: apart("cnn", SHOT_ONE, SHOT, *GRID[:-1])
    yield page, "rewound at the sparsest", lambda: apart("cnn", AT_ONE, TICKET, 0.972)
    yield page, "rewound one-shot sparsest", lambda: apart("cnn", SHOT_ONE, SHOT, 0.972)
    yield (
        page,
        "iterative - one-shot",
        lambda: t(over("cnn", AT_ONE, TICKET, GRID) - over("cnn", SHOT_ONE, SHOT, GRID)),
    )
    yield page, "larger CNN, below", lambda: turned(found("cnn", "ticket - dense"))
    yield (
        page,
        "tuned, new",
        lambda: t(at_best("cnn", "ticket", 0.832) - at_best("cnn", "reinit", 0.832)),
    )
    yield page, "weights", lambda: move("cnn", SOURCE, SOURCE_NEW, 0.972)
    yield page, "mask 83.2", lambda: move("cnn", SOURCE_NEW, RANDOM_NEW, 0.832)
    yield page, "mask 97.2", lambda: move("cnn", SOURCE_NEW, RANDOM_NEW, 0.972)
    yield page, "own", lambda: move("cnn", SOURCE, OWN, 0.972)
    yield page, "back", lambda: move("reverse", SOURCE, TARGET_DENSE, 0.832)
    yield page, "LSTM's lower rate", lambda: gain("lstm", "ticket", 0.832)
    yield (
        page,
        "LSTM tuned",
        lambda: t(at_best("lstm", "ticket", 0.832) - at_best("lstm", "reinit", 0.832)),
    )


def _transfer() -> Iterator[Said]:
    page = "transfer"
    yield page, "dense", lambda: move("cnn", SOURCE, TARGET_DENSE, 0.832)
    yield page, "new 83.2", lambda: move("cnn", SOURCE, SOURCE_NEW, 0.832)
    yield page, "new 97.2", lambda: move("cnn", SOURCE, SOURCE_NEW, 0.972)
    yield page, "below dense", lambda: turned(move("cnn", SOURCE, TARGET_DENSE, 0.972))
    for level in (0.36, 0.59, 0.972):
        yield page, f"own {level}", lambda level=level: move("cnn", SOURCE, OWN, level)
    for level in (0.738, 0.832, 0.972):
        yield page, f"mask {level}", lambda level=level: move("cnn", SOURCE_NEW, RANDOM_NEW, level)
    yield page, "LSTM", lambda: turned(move("lstm", SOURCE_NEW, TARGET_DENSE, 0.832))
    yield page, "back", lambda: move("reverse", SOURCE, TARGET_DENSE, 0.832)
    yield page, "back, own", lambda: turned(move("reverse", SOURCE, OWN, 0.832))
    yield page, "back, new", lambda: move("reverse", SOURCE, SOURCE_NEW, 0.832)


def _rates() -> Iterator[Said]:
    page = "rates"
    yield (
        page,
        "tuned LSTM",
        lambda: t(at_best("lstm", "ticket", 0.832) - at_best("lstm", "reinit", 0.832)),
    )
    yield (
        page,
        "untuned LSTM",
        lambda: t(at_rate("lstm", "ticket", 0.832, 0.01) - at_rate("lstm", "reinit", 0.832, 0.01)),
    )
    yield (
        page,
        "LSTM to dense",
        lambda: t(at_best("lstm", "ticket", 0.832) - at_best("lstm", "dense", 0.0)),
    )
    yield page, "higher LSTM", lambda: gain("lstm", "ticket", 0.832, above=0.01)
    yield (
        page,
        "sparsest",
        lambda: turned(t(at_best("cnn", "ticket", 0.972) - at_best("cnn", "dense", 0.0))),
    )
    yield (
        page,
        "sparsest new",
        lambda: t(at_best("cnn", "ticket", 0.972) - at_best("cnn", "reinit", 0.972)),
    )


def _find() -> Iterator[Said]:
    for model in (
        "cnn", "lstm", "gru", "transformer", "lstm_glove_magnitude", "lstm_glove_taylor",
    ):  # fmt: skip
        for other in ("dense", "reinit"):
            what = f"ticket - {other}"
            yield "find", f"{model} {what}", lambda model=model, what=what: found(model, what)


def _readme() -> Iterator[Said]:
    page, shown = "README", {what for row in README.values() for what in row}
    yield from (one for one in _answers(page) if one[1] in shown)
    for model in ("cnn", "lstm", "gru", "transformer"):
        for other in ("dense", "reinit"):
            what = f"ticket - {other}"
            yield "README", f"{model} {what}", lambda model=model, what=what: found(model, what)


SAID = [*_readme(), *_results(), *_first(), *_transfer(), *_rates(), *_find()]
