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
# Sizes that are tried together.
_SIZES = 1_024


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
    fraction = 0.0 if "validation" in splits else validation_fraction(settings)
    if settings.train_size:
        rows = _subsample(labels, rows, settings.train_size, classes, fraction)
    if "validation" in splits:
        return Division(rows, None, test)
    random = _chance(settings, "validation")
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
    if "test" in source.splits or settings.split == "pooled":
        # No text is read for this: what has test texts of its own is dealt as ever, and what is
        # pooled text by text, whatever they hold.
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


def _subsample(
    labels: np.ndarray,
    rows: np.ndarray,
    size: int,
    classes: Sequence[str],
    held_out: float,
) -> np.ndarray:
    """``size`` of the rows, the classes in the shares they have, drawn once and for all.

    Args:
        labels: int [texts].
        rows: those to take some of.
        size: how many.
        classes: names, for messages.
        held_out: which part of each class is taken from these; 0 for none.
    """
    if size > len(rows):
        raise UserError(f"data.train_size is {size}; there are {len(rows)} texts to train on.")
    random = seeds.generator("train size")
    present, counts = np.unique(labels[rows], return_counts=True)
    sizes = _shared_out(counts, np.array([size]))[0]
    if not sizes.all():
        dropped = [(classes[label], count) for label, count, taken in zip(
            present.tolist(), counts.tolist(), sizes, strict=True) if not taken]  # fmt: skip
        raise _without(dropped, size, len(rows), _least_size(counts, size, held_out))
    return np.sort(
        np.concatenate(
            [
                random.permutation(rows[labels[rows] == label])[:count]
                for label, count in zip(present, sizes, strict=True)
            ]
        )
    )


def _shared_out(counts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """int64 [sizes, classes]: so many texts in all, the classes in the shares of their counts; what
    is left goes to those that rounding took most from."""
    shares = counts * sizes[:, np.newaxis] / counts.sum()
    whole = np.floor(shares).astype(np.int64)
    order = np.argsort(whole - shares, axis=1, kind="stable")
    left = sizes - whole.sum(axis=1)
    more = np.arange(len(counts)) < left[:, np.newaxis]
    np.put_along_axis(whole, order, np.take_along_axis(whole, order, axis=1) + more, axis=1)
    return whole


def _without(dropped: Sequence[tuple[str, int]], size: int, texts: int, least: int) -> UserError:
    """The error for classes that no text is left of."""
    named = few([f"{name!r} ({count:,} of {texts:,} texts)" for name, count in dropped])
    mend = f"the least that keeps every class is {least}" if least else "no size keeps every class"
    return UserError(
        f"data.train_size={size} leaves no text of the class{'es' * (len(dropped) > 1)} {named} to "
        f"train on; {mend}. Otherwise add texts, or drop the class."
    )


def _least_size(counts: np.ndarray, size: int, held_out: float) -> int:
    """The least size above this one of which each class has texts to train on, and texts to hold
    out of them where some are; 0 where none has."""
    for start in range(size + 1, int(counts.sum()) + 1, _SIZES):
        sizes = np.arange(start, min(start + _SIZES, int(counts.sum()) + 1))
        shared = _shared_out(counts, sizes)
        out = np.rint(shared * held_out)
        keeps = (shared > 0) & (out < shared) & ((out > 0) | (held_out == 0))
        if keeps.all(axis=1).any():
            return int(sizes[keeps.all(axis=1).argmax()])
    return 0
