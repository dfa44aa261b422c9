"""A look at labelled texts before any work: what is in them, what to mind, what they can tell."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflottery import program
from tflottery.data import corpus as corpora
from tflottery.data import counting, encoding, findings
from tflottery.data.encoded import Corpus
from tflottery.data.findings import Findings
from tflottery.data.look.cautions import (
    baseline,
    cautions,
    label,
    larger_class,
    percent,
    resolution_in_words,
)
from tflottery.data.reading.records import shown
from tflottery.data.reading.sources import name_of, open_source
from tflottery.data.settings import DataSettings
from tflottery.data.words.unigrams import merge
from tflottery.errors import UserError
from tflottery.files import write_atomically
from tflottery.statistics import resolution

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

HELD_OUT = ("validation", "test")
# The short form: so many lines at most, and so many classes in them.
_LINES, _CLASSES = 6, 5


@dataclass(frozen=True, repr=False)
class Inspection:
    """What labelled texts are like, as they are read for a training.

    ``findings``: the counts. ``remarks``: what was assumed or left out in reading, a line each.
    """

    findings: Findings
    remarks: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """What the data are called."""
        return self.findings.name

    @cached_property
    def cautions(self) -> tuple[str, ...]:
        """What to mind, a line each with its mend; none for data without faults."""
        return cautions(self.findings)

    @property
    def sentence(self) -> str:
        """Texts, classes, what the larger class scores, and what the data can tell."""
        found = self.findings
        total = sum(split.texts for split in found.splits.values())
        return (
            f"{shown(found.name)}: {total:,} texts, {len(found.classes)} classes; "
            f"{_baseline_in_words(found)}; {resolution_in_words(found, 'validation')}."
        )

    @property
    def read(self) -> str:
        """How much of the texts is read, and how much of that is known, in two sentences."""
        found = self.findings
        train, validation = found.splits["train"], found.splits["validation"]
        first, median, third = train.quartiles
        lost = "" if train.lost is None else (
            f", which leaves out {percent(train.lost / max(train.words, 1))} of all words"
        )  # fmt: skip
        most = "" if found.whole else "at most "
        cut = percent(train.cut / max(train.texts, 1))
        unknown = percent(validation.unknown / max(validation.read, 1))
        return (
            f"A training text has {median:g} words (median; quartiles {first:g} and {third:g}); "
            f"at most {found.max_length:,} are read, and {most}{cut} of the texts are cut{lost}. "
            f"Of the running words of validation {unknown} are not in the vocabulary."
        )

    @property
    def short(self) -> tuple[str, ...]:
        """The look before a training: two lines of facts, and the cautions, six lines in all."""
        found = self.findings
        sizes = ", ".join(f"{split.texts:,} {name}" for name, split in found.splits.items())
        total = sum(split.texts for split in found.splits.values())
        facts = (
            f"Data:   {shown(found.name)}: {total:,} texts ({sizes}); {_shares_in_words(found)}",
            f"        {_baseline_in_words(found)}; {resolution_in_words(found, 'validation')}",
        )
        lines = [f"Caution: {line}" for line in self.cautions]
        room = _LINES - len(facts)
        if len(lines) > room:
            more = len(lines) - room + 1
            lines = [
                *lines[: room - 1],
                f"{more} more cautions: {program.line('inspect')} shows them.",
            ]
        return (*facts, *lines)

    @cached_property
    def splits(self) -> pd.DataFrame:
        """A row a split.

        Columns: ``split``; ``texts``; ``larger_class`` (the accuracy of always answering the class
        that is largest in train, a fraction); ``resolution`` (points that cannot be told apart);
        ``copies`` (texts equal to an earlier one of the split); ``of_train`` (texts equal to a
        training text); ``wordless`` and ``single`` (texts of no word, of one word);
        ``unknown_words`` (the fraction of the running words that are read which the vocabulary does
        not hold). What encoded data of before do not tell is empty.
        """
        import pandas as pd

        rows = [
            {
                "split": name,
                "texts": split.texts,
                "larger_class": baseline(self.findings, name),
                "resolution": resolution(split.texts),
                "copies": split.copies,
                "of_train": split.of_train,
                "wordless": split.wordless,
                "single": split.single,
                "unknown_words": split.unknown / max(split.read, 1),
            }
            for name, split in self.findings.splits.items()
        ]
        return pd.DataFrame(rows).astype({"wordless": "Int64"})

    @cached_property
    def classes(self) -> pd.DataFrame:
        """A row a class, in the order of their numbers.

        Columns: ``class``; ``train``, ``validation`` and ``test`` (texts); ``train_share``,
        ``validation_share`` and ``test_share`` (fractions of the split).
        """
        import pandas as pd

        found = self.findings
        counts = {name: split.by_class for name, split in found.splits.items()}
        shares = {
            f"{name}_share": [count / max(split.texts, 1) for count in split.by_class]
            for name, split in found.splits.items()
        }
        return pd.DataFrame({"class": list(found.classes), **counts, **shares})

    @cached_property
    def lengths(self) -> pd.DataFrame:
        """A row a split, in words of a text.

        Columns: ``split``; ``quartile_1``, ``median``, ``quartile_3``, ``longest``; ``cut`` (the
        fraction of the texts that are longer than ``data.max_length``); ``lost`` (the fraction of
        all words that lie behind it). Encoded data of before hold no more than is read: ``cut`` is
        an upper bound then, and ``lost`` empty.
        """
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for name, split in self.findings.splits.items():
            first, median, third = split.quartiles
            lost = None if split.lost is None else split.lost / max(split.words, 1)
            rows.append(
                {
                    "split": name,
                    "quartile_1": first,
                    "median": median,
                    "quartile_3": third,
                    "longest": split.longest,
                    "cut": split.cut / max(split.texts, 1),
                    "lost": lost,
                }
            )
        return pd.DataFrame(rows).astype({"lost": float})

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draws the lengths of the training texts, and the classes beside them.

        Args:
            ax: the place to draw in; by default axes of a new figure.

        Returns:
            That place; the two pictures are axes within it (``ax.child_axes``).
        """
        from tflottery.data.look.picture import draw

        return draw(self.findings, ax)

    def __repr__(self) -> str:
        lines = "".join(f"\n  {line}" for line in self.cautions)
        return f"<Inspection: {self.sentence}{lines}>"

    def _repr_html_(self) -> str:
        from tflottery.data.look.picture import as_image
        from tflottery.notebook import as_html

        page = as_html(self.sentence, self.classes, (*self.remarks, *self.cautions))
        return f"{page}{as_image(self.findings)}"


def inspect(settings: DataSettings, cache: Path | None = None) -> Inspection:
    """Looks at the data of settings, without TensorFlow but for TFDS.

    Args:
        settings: with the fingerprint of their data (``sources.identify``).
        cache: encoded data; where they hold these, what was counted then is read. Nothing is
            written there.

    Raises:
        UserError: the data cannot be read.
    """
    kept = findings.kept_in(corpora.folder_of(settings, cache)) if cache else None
    if kept is None:
        vocabulary = None
        if settings.vocabulary_from:
            counted = merge(_lightly(other).unigrams for other in settings.vocabulary_from)
            vocabulary = counted.vocabulary(settings.vocabulary_size)
        kept = _lightly(settings, vocabulary).findings
        assert kept is not None  # of what is encoded now they are known
    return _named(kept, settings)


def inspect_encoded(settings: DataSettings, cache: Path) -> Inspection:
    """Looks at encoded data: reads what was counted when they were encoded, which they are now if
    they were not. Of encoded data of before it counts what they tell, once, and keeps it.

    Raises:
        UserError: the data cannot be read, or something kept is damaged.
    """
    folder = corpora.folder_of(settings, cache)
    kept = findings.kept_in(folder)
    if kept is None:
        loaded = load(settings, cache)
        kept = loaded.findings
        if kept is None:
            kept = counting.count(loaded, settings)
            # Another process that encodes them now knows more, and may be about to keep it.
            if not (folder / findings.FILE).exists():
                _keep(kept, folder)
    return _named(kept, settings)


def load(settings: DataSettings, cache: Path) -> Corpus:
    """``corpus.load``, which keeps what was counted where the data are encoded now."""
    loaded = corpora.load(settings, cache)
    if loaded.findings is not None:
        _keep(loaded.findings, corpora.folder_of(settings, cache))
    return loaded


def _keep(found: Findings, folder: Path) -> None:
    """Beside the encoded data, which stay as they are."""
    with suppress(OSError):  # a store that others own and we may read
        write_atomically(folder / findings.FILE, findings.sealed(found))


def _lightly(settings: DataSettings, vocabulary: Any = None) -> Corpus:
    source = open_source(settings)
    if settings.fingerprint and source.fingerprint() != settings.fingerprint:
        raise UserError(f"The data set {shown(settings.dataset)} changed while it was read.")
    return encoding.encode(source, settings, vocabulary, light=True)


def _named(found: Findings, settings: DataSettings) -> Inspection:
    """Two files of equal content are encoded once, and each keeps its own name."""
    return Inspection(dataclasses.replace(found, name=name_of(settings) or found.name))


def _baseline_in_words(found: Findings) -> str:
    largest = label(found.classes[larger_class(found)])
    scores = ", ".join(f"{percent(baseline(found, split))} on {split}" for split in HELD_OUT)
    return f"always answering {largest} scores {scores}"


def _shares_in_words(found: Findings) -> str:
    """``2 classes: 'neg' 50.0 %, 'pos' 50.0 %``; of many classes the largest."""
    counts = found.splits["train"].by_class
    order = list(range(len(counts)))
    heading = f"{len(counts)} classes"
    if len(counts) > _CLASSES:
        order = sorted(order, key=lambda number: -counts[number])[:_CLASSES]
        heading += ", the largest"
    total = sum(counts)
    named = ", ".join(f"{label(found.classes[n])} {percent(counts[n] / total)}" for n in order)
    return f"{heading}: {named}"
