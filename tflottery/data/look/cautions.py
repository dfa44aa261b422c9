"""What the counts of a data set warn of: a line each, with its mend."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from tflottery.data.findings import Findings, SplitFindings
from tflottery.data.look.near_labels import near_labels
from tflottery.data.reading.labels import few
from tflottery.data.reading.records import shown
from tflottery.statistics import resolution

# Texts of the largest class for one of the smallest. At 4, always answering the larger one of two
# classes scores 80 %: more than many networks do on balanced data.
SKEW = 4.0
# Held-out texts of a class. With ten, one text is ten points of the class' recall.
FEW_OF_CLASS = 10
# Points that validation data cannot tell apart. What pruning costs at the sparsities that matter is
# mostly less.
COARSE = 5.0
# Part of the texts of a held-out split that would have to be of another class for it to have the
# classes' shares in train, and how many times what chance does to so many texts.
SHIFTED, SHIFTED_BY_CHANCE = 0.1, 1.5
# Fraction of the running words behind ``max_length``. IMDB loses a fourth at 250 words, and an LSTM
# a point of accuracy by that.
LOST = 1 / 3
# Fraction of the running words of validation that the vocabulary does not hold. On IMDB it is one
# in forty; from one in four on, every second phrase of three words has a hole.
UNKNOWN = 0.25
# Fraction of held-out texts equal to a training text: so many points can be learnt by heart. IMDB
# has one in two hundred.
LEAKED = 0.01
# Fraction of texts equal to one of another class: so many points no network can have on both.
CONTRADICTING = 0.01
# Fraction of a split's texts that are copies of another one. They count twice, and the intervals
# are narrower than the data are worth.
COPIES = 0.05
# Fraction of letters that stand in runs longer than words are. Below it, such texts are guests.
RUN_ON = 0.1
# Fraction of texts without a word, or of texts of one word.
WORDLESS, SINGLE = 0.01, 0.5
_PAIRS_SHOWN = 3
_LABEL = 30


def cautions(found: Findings) -> tuple[str, ...]:
    """The lines, those first that make numbers worthless."""
    lines = [found.caution] if found.caution else []
    for rule in _RULES:
        lines += rule(found)
    return tuple(lines)


def label(name: str) -> str:
    """A label in a line: without what a terminal obeys, and of a long one the beginning."""
    safe = shown(name)
    return repr(safe if len(safe) <= _LABEL else f"{safe[: _LABEL - 1]}…")


def percent(fraction: float) -> str:
    """``12.3 %``; of what is not nothing and not all, never 0.0 or 100.0."""
    value = f"{100 * fraction:.1f}"
    if value == "0.0" and fraction > 0:
        return "under 0.1 %"
    return f"{'over 99.9' if value == '100.0' and fraction < 1 else value} %"


def points(number: float) -> str:
    """Points with two digits: ``13``, ``1.4``."""
    return f"{number:.1f}" if number < 9.95 else f"{number:.0f}"


def larger_class(found: Findings) -> int:
    """The class with the most training texts; of equal ones the first."""
    counts = found.splits["train"].by_class
    return counts.index(max(counts))


def baseline(found: Findings, split: str) -> float:
    """The accuracy of always answering the class that is largest in train."""
    counts = found.splits[split]
    return counts.by_class[larger_class(found)] / max(counts.texts, 1)


def _runs_on(found: Findings) -> bool:
    """Whether the texts are in scripts without spaces, and nothing has split them."""
    return found.run_on >= RUN_ON * max(found.letters, 1)


def _spaceless(found: Findings) -> Iterator[str]:
    if _runs_on(found):
        scripts = sorted(found.spaceless, key=lambda script: -found.spaceless[script])
        yield (
            f"Scripts without spaces: {percent(sum(found.spaceless.values()) / found.letters)} of "
            f"the letters are {' and '.join(scripts[:2])}, in runs that are read as one word each. "
            "Split them with --set data.tokens=auto."
        )


def _one_word(found: Findings) -> Iterator[str]:
    share = _of_all(found, lambda split: split.single)
    if share >= SINGLE and not _runs_on(found):
        yield (
            f"Texts of one word: {percent(share)} of the texts are. If that is another column, "
            "name the column of the texts with --set data.text_column=NAME."
        )


_READ_EMOJI = "Read emoji with --set data.symbols=true, or delete them."


def _without_words(found: Findings) -> Iterator[str]:
    share = _of_all(found, lambda split: split.wordless or 0)
    if share >= WORDLESS:
        count = sum(split.wordless or 0 for split in found.splits.values())
        yield (
            f"Texts without a word: {count:,} ({percent(share)}) hold no letter and no number "
            "(emoji or punctuation alone), and all are read alike. "
            + ("Delete them." if found.symbols else _READ_EMOJI)
        )


def _unknown(found: Findings) -> Iterator[str]:
    split = found.splits["validation"]
    share = split.unknown / max(split.read, 1)
    # Transfers say themselves how much of the words another vocabulary holds.
    if share < UNKNOWN or not found.vocabulary_is_own:
        return
    is_full = found.distinct > found.vocabulary - 2
    mostly_new = split.new is not None and 2 * split.new >= split.unknown
    if _runs_on(found):
        mend = "Most are runs of such a script."
    elif is_full and not mostly_new:
        mend = f"Take more of them in with --set data.vocabulary_size={found.distinct + 2}."
    elif found.tokens == "characters":
        mend = "They stand in no training text: add texts."
    else:
        mend = (
            "They stand in no training text: add texts, or split words into characters with "
            "--set data.tokens=characters."
        )
    yield (
        f"Unknown words: {percent(share)} of the running words of validation are not in the "
        f"vocabulary ({found.vocabulary - 2:,} words). {mend}"
    )


def _near_labels(found: Findings) -> Iterator[str]:
    pairs = near_labels(found.classes)
    if not pairs:
        return
    total = {name: sum(found.splits[split].by_class[number] for split in found.splits)
             for number, name in enumerate(found.classes)}  # fmt: skip
    named = [
        " and ".join(f"{label(name)} ({total[name]:,} texts)" for name in pair) for pair in pairs
    ]
    more = f" and {len(pairs) - _PAIRS_SHOWN:,} more pairs" if len(pairs) > _PAIRS_SHOWN else ""
    yield (
        f"Labels that are nearly equal: {'; '.join(named[:_PAIRS_SHOWN])}{more}. If they mean one "
        "class, spell it in one way."
    )


def _skew(found: Findings) -> Iterator[str]:
    counts = found.splits["train"].by_class
    most, least = max(counts), min(counts)
    if most < SKEW * least:
        return
    largest, smallest = (found.classes[counts.index(number)] for number in (most, least))
    total = found.splits["train"].texts
    yield (
        f"Skewed classes: {percent(most / total)} of the training texts are {label(largest)}, "
        f"{percent(least / total)} {label(smallest)}; always answering {label(largest)} scores "
        f"{percent(baseline(found, 'test'))} on test data. Judge by balanced accuracy "
        "(find_ticket and tune_lr: --metric balanced_accuracy), and weigh classes with --set "
        "training.class_weight=balanced."
    )


def _shifted(found: Findings) -> Iterator[str]:
    train = found.splits["train"]
    for name in ("validation", "test"):
        split = found.splits[name]
        if not split.texts:
            continue
        apart = [
            other / split.texts - own / train.texts
            for own, other in zip(train.by_class, split.by_class, strict=True)
        ]
        by_chance = SHIFTED_BY_CHANCE * math.sqrt(len(apart) / split.texts)
        if sum(map(abs, apart)) / 2 >= max(SHIFTED, by_chance):
            number = max(range(len(apart)), key=lambda place: abs(apart[place]))
            yield (
                f"Shares that differ: {percent(train.by_class[number] / train.texts)} of the "
                f"training texts are {label(found.classes[number])}, but "
                f"{percent(split.by_class[number] / split.texts)} of {name}. What is learnt of "
                "shares in train is wrong there: draw the splits alike, or give none."
            )


def _few_of_class(found: Findings) -> Iterator[str]:
    rare = []
    for number, name in enumerate(found.classes):
        counts = {
            split: found.splits[split].by_class[number]
            for split in ("validation", "test")
            if found.splits[split].by_class[number] < FEW_OF_CLASS
        }
        if counts:
            held_out = " and ".join(f"{count} {split}" for split, count in counts.items())
            rare.append(f"{label(name)} has {held_out} texts")
    if rare:
        more = (
            "" if "validation" in found.given else ", or hold out more with --set data.validation"
        )
        yield (
            f"Small classes: {few(rare)}, which is too few to tell a recall. Add texts of such "
            f"classes{more}."
        )


def _coarse(found: Findings) -> Iterator[str]:
    texts = found.splits["validation"].texts
    if resolution(texts) > COARSE:
        enough = math.ceil((resolution(1) / COARSE) ** 2)
        yield (
            f"Few texts: {texts:,} of validation cannot tell differences under "
            f"{points(resolution(texts))} points. Add texts: {enough} tell {COARSE:g} points."
        )


def resolution_in_words(found: Findings, split: str) -> str:
    """``57 validation texts: differences under 13 points cannot be told``."""
    texts = found.splits[split].texts
    return (
        f"{texts:,} {split} text{'s' * (texts != 1)}: differences under "
        f"{points(resolution(texts))} points cannot be told"
    )


def _leaked(found: Findings) -> Iterator[str]:
    shares = [
        f"{split.of_train:,} {name} texts ({percent(split.of_train / split.texts)})"
        for name, split in found.splits.items()
        if split.of_train >= LEAKED * split.texts > 0
    ]
    if shares:
        yield (
            f"Copies across splits: {' and '.join(shares)} equal a training text, and can be "
            "learnt by heart. Delete the copies, or give no test split: equal texts then stay on "
            "one side."
        )


def _contradicting(found: Findings) -> Iterator[str]:
    total = sum(split.texts for split in found.splits.values())
    share = found.contradicting / max(total, 1)
    if share >= CONTRADICTING:
        yield (
            f"Equal texts of different classes: {found.contradicting:,} texts ({percent(share)}) "
            "equal one with another label, and no network is right about both. Mend their labels "
            "or delete them."
        )


def _copies(found: Findings) -> Iterator[str]:
    many = {
        name: split
        for name, split in found.splits.items()
        if split.copies >= COPIES * split.texts > 0
    }
    if many:
        named = ", ".join(
            f"{split.copies:,} of {split.texts:,} {name} texts" for name, split in many.items()
        )
        yield (
            f"Copies: {named} equal an earlier one, so the data are worth fewer texts than they "
            "have. Delete the copies."
        )


def _cut(found: Findings) -> Iterator[str]:
    split = found.splits["train"]
    if split.lost is None or split.lost < LOST * max(split.words, 1):
        return
    yield (
        f"Long texts: {percent(split.cut / split.texts)} of the training texts are cut at "
        f"{found.max_length:,} words, which loses {percent(split.lost / split.words)} of all "
        f"words. Read more with --set data.max_length={found.ninety} (nine of ten texts whole)"
        + (", or both ends with --set data.keep=both." if found.keep == "head" else ".")
    )


def _of_all(found: Findings, number: Callable[[SplitFindings], int]) -> float:
    total = sum(split.texts for split in found.splits.values())
    return sum(map(number, found.splits.values())) / max(total, 1)


_RULES: tuple[Callable[[Findings], Iterator[str]], ...] = (
    _spaceless, _without_words, _one_word, _unknown, _near_labels, _contradicting, _leaked, _skew,
    _shifted, _coarse, _few_of_class, _copies, _cut,
)  # fmt: skip
