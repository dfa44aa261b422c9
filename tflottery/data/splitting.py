"""Which texts are for training, for validation and for testing, the same for every seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tflottery import activity, seeds
from tflottery.data.reading.labels import few
from tflottery.data.reading.source import Source
from tflottery.data.reading.table_source import TableSource
from tflottery.data.settings import DataSettings
from tflottery.data.words.duplicates import groups_of, words_of
from tflottery.errors import UserError

TEST_FRACTION = 0.2
# Of what is not test: 24 % of all.
_POOLED_VALIDATION = 0.3


@dataclass(frozen=True)
class Division:
    """Rows of the training texts of a source; ``validation`` and ``test`` are None where the source
    has such a split of its own."""

    train: np.ndarray
    validation: np.ndarray | None
    test: np.ndarray | None


def divide(
    labels: np.ndarray,
    splits: Sequence[str],
    settings: DataSettings,
    classes: Sequence[str],
    groups: np.ndarray | None = None,
) -> Division:
    """Deals a source's training texts out: stratified, drawn once and for all.

    Test is a fixed part of all where the source has none; then ``train_size`` of the rest are
    taken; then validation is a fixed part of those, where the source has none.

    Args:
        labels: int [texts], the class of each.
        splits: those that the source has.
        settings: ``train_size`` and ``validation``.
        classes: names, for messages.
        groups: int [texts], equal for texts that have to stay on one side; none where each is
            dealt alone.

    Raises:
        UserError: a class has too few texts.
    """
    rows, test = np.arange(len(labels)), None
    by_row = settings.division == 2
    if "test" not in splits:
        random = _chance(settings, "test")
        rows, test = _hold_out(labels, rows, TEST_FRACTION, classes, groups, random, by_row=by_row)
    if settings.train_size:
        rows = _subsample(labels, rows, settings.train_size)
    if "validation" in splits:
        return Division(rows, None, test)
    random, fraction = _chance(settings, "validation"), validation_fraction(settings)
    train, validation = _hold_out(labels, rows, fraction, classes, groups, random, by_row=by_row)
    return Division(train, validation, test)


def validation_fraction(settings: DataSettings) -> float:
    """Which part of the training texts is held out for validation, where no split is given."""
    return _POOLED_VALIDATION if settings.split == "pooled" else settings.validation


def _chance(settings: DataSettings, side: str) -> np.random.Generator:
    """The random stream that says which texts are held out."""
    if settings.split == "pooled":
        return seeds.generator("pooled split", settings.split_seed, side)
    return seeds.generator("split")


def division(source: Source, settings: DataSettings) -> int:
    """``data.division`` for these data: 3 where texts that are equal would fall on two sides.

    Raises:
        UserError: a class has too few texts.
    """
    if settings.split == "pooled":
        # Drawn text by text, whatever they hold.
        return 1
    if "test" in source.splits:
        # No text is read for this: what has test texts of its own is dealt as ever.
        of_split = getattr(source, "labels", None)
        if of_split is not None:
            divide(of_split("train"), source.splits, settings, source.classes)
        return 1
    labels, groups, is_wordless = equal_texts(source, settings)
    if not groups.any() and is_wordless:
        raise UserError(
            f"{source.name}: no text holds a word (a letter or a number). Words are what is read; "
            + ("" if settings.symbols else "read emoji too with --set data.symbols=true, ")
            + "give other texts, or write out what stands there."
        )
    alone = divide(labels, source.splits, settings, source.classes)
    repeated = np.bincount(groups)[groups] > 1
    if not repeated.any():
        return 1
    sides = [side for side in (alone.train, alone.validation, alone.test) if side is not None]
    seen = np.concatenate([np.unique(groups[side[repeated[side]]]) for side in sides])
    if len(np.unique(seen)) == len(seen):
        return 1
    divide(labels, source.splits, settings, source.classes, groups)
    return 3


def equal_texts(source: Source, settings: DataSettings) -> tuple[np.ndarray, np.ndarray, bool]:
    """Of the training texts, int [texts] each: labels, and a number that equal texts share; and
    whether the first text has no word."""
    if isinstance(source, TableSource) and (known := source.equal_texts()) is not None:
        return source.labels("train"), *known
    labels: list[int] = []

    def texts() -> Iterator[bytes]:
        for text, label in activity.counted(source.examples("train")):
            labels.append(label)
            yield text

    wording = settings.wording
    groups = groups_of(texts(), wording)
    first = next(iter(source.examples("train")))[0]
    return np.array(labels), groups, not words_of(first, wording)


def _hold_out(
    labels: np.ndarray,
    rows: np.ndarray,
    fraction: float,
    classes: Sequence[str],
    groups: np.ndarray | None,
    random: np.random.Generator,
    *,
    by_row: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Rows kept and rows held out: ``fraction`` of each class."""
    held_out, few_texts = [], []
    members = {} if groups is None else _rows_by_group(rows, groups)
    for label in np.unique(labels[rows]):
        of_class = random.permutation(rows[labels[rows] == label])
        count = round(len(of_class) * fraction)
        if count == 0 or count == len(of_class):
            few_texts.append((int(label), len(of_class)))
        elif groups is None:
            held_out.append(of_class[:count])
        else:
            held_out.append(_whole_groups(of_class, count, groups, members, by_row=by_row))
    if few_texts:
        raise _too_few(few_texts, fraction, classes)
    out = np.sort(np.concatenate(held_out))
    is_out = np.zeros(len(labels), bool)
    is_out[out] = True
    kept = rows[~is_out[rows]]
    for side in (kept, out):
        if absent := sorted(set(labels[rows].tolist()) - set(labels[side].tolist())):
            raise UserError(
                f"The texts of {few([repr(classes[label]) for label in absent])} are equal, or "
                "equal to those of other classes: too few differ to hold out "
                f"{fraction:.0%} of them. Add texts, or give a test split."
            )
    return kept, out


def _rows_by_group(rows: np.ndarray, groups: np.ndarray) -> dict[int, np.ndarray]:
    """The rows of each group; its first one's class deals it out."""
    order = rows[np.argsort(groups[rows], kind="stable")]
    numbers, starts = np.unique(groups[order], return_index=True)
    return dict(zip(numbers.tolist(), np.split(order, starts[1:]), strict=True))


def _whole_groups(
    of_class: np.ndarray,
    count: int,
    groups: np.ndarray,
    members: Mapping[int, np.ndarray],
    *,
    by_row: bool,
) -> np.ndarray:
    """Groups of one class in their drawn order, each where it still fits: about ``count`` rows.
    Where each text is a group of its own, these are the first ``count``.

    A group stands where its first row was drawn, so that its size does not matter. ``by_row`` is
    how it was before: it stands where any of its rows was drawn first.
    """
    first = {int(own[0]): group for group, own in members.items()}
    drawn = [first[row] for row in of_class.tolist() if row in first]
    if by_row:
        owned = set(drawn)
        drawn = [group for group in dict.fromkeys(groups[of_class].tolist()) if group in owned]
    chosen: list[np.ndarray] = []
    size = 0
    for group in drawn:
        own = members[group]
        if size + len(own) <= count:
            chosen.append(own)
            size += len(own)
    if not chosen and len(drawn) > 1:
        chosen = [min((members[group] for group in drawn), key=len)]
    return np.concatenate(chosen) if chosen else of_class[:0]


def _too_few(
    found: Sequence[tuple[int, int]], fraction: float, classes: Sequence[str]
) -> UserError:
    named = [
        f"{classes[label] if 0 <= label < len(classes) else label!r} ({count:,} "
        f"text{'s' * (count > 1)})"
        for label, count in found
    ]
    have = "The class {} has" if len(found) == 1 else "The classes {} have"
    return UserError(
        f"{have.format(few(named))} too few to hold out {fraction:.0%} of them. Add texts, or drop "
        "the class."
    )


def _subsample(labels: np.ndarray, rows: np.ndarray, size: int) -> np.ndarray:
    """``size`` of the rows, the classes in the shares they have, drawn once and for all."""
    if size > len(rows):
        raise UserError(f"data.train_size is {size}; there are {len(rows)} texts to train on.")
    random = seeds.generator("train size")
    classes, counts = np.unique(labels[rows], return_counts=True)
    shares = counts * size / len(rows)
    sizes = np.floor(shares).astype(np.int64)
    sizes[np.argsort(sizes - shares, kind="stable")[: size - sizes.sum()]] += 1
    return np.sort(
        np.concatenate(
            [
                random.permutation(rows[labels[rows] == label])[:count]
                for label, count in zip(classes, sizes, strict=True)
            ]
        )
    )
