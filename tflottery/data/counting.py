"""Counts what an inspection says, in texts that are word numbers already: nothing is read again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from tflottery.data.findings import Findings, SplitFindings
from tflottery.data.settings import DataSettings
from tflottery.data.words.scripts import count_letters
from tflottery.data.words.vocabulary import UNKNOWN

if TYPE_CHECKING:
    from tflottery.data.encoded import Corpus, Encoded

SPLITS = ("train", "validation", "test")
# Where the bins of the histogram of lengths begin, in words: from 4 on two for each doubling.
EDGES = (0, 1, 2, 3, *(round(2 ** (half / 2)) for half in range(4, 41)))
_CHUNK = 512


@dataclass(frozen=True)
class Whole:
    """Texts before they are cut.

    ``parts``: word numbers of each split, and which of its rows the split has. ``no_word``: the
    number that stands for a text without words, -1 where there is none. ``in_train``: bool, whether
    the word with that number stands in a training text. ``given``: the splits that the source has.
    """

    parts: Mapping[str, tuple[Encoded, np.ndarray]]
    no_word: int
    in_train: np.ndarray
    given: tuple[str, ...]


def count(corpus: Corpus, settings: DataSettings, whole: Whole | None = None) -> Findings:
    """Counts a data set.

    Args:
        corpus: the encoded texts.
        settings: how they were encoded.
        whole: the texts before that; without them, what the encoded ones tell: at most
            ``max_length`` words of a text, and unknown words that are all equal.
    """
    if whole is None:
        parts = {split: _all_rows(getattr(corpus, split)) for split in SPLITS}
    else:
        parts = dict(whole.parts)
    by_part = {id(part): _keys(part) for part, _ in parts.values()}
    keys = {split: by_part[id(part)][rows] for split, (part, rows) in parts.items()}
    labels = {split: part.labels[rows] for split, (part, rows) in parts.items()}
    wordless = {split: _wordless(part, rows, whole) for split, (part, rows) in parts.items()}
    in_train = np.unique(keys["train"][~wordless["train"]])
    splits = {}
    for split, (part, rows) in parts.items():
        lengths = np.where(wordless[split], 0, part.lengths[rows])
        own = keys[split][~wordless[split]]
        read: Encoded = getattr(corpus, split)
        without = int(wordless[split].sum())
        splits[split] = SplitFindings(
            texts=len(rows),
            by_class=tuple(np.bincount(labels[split], minlength=len(corpus.classes)).tolist()),
            **_lengths(lengths, settings.max_length, is_whole=whole is not None),
            read=len(read.ids) - without,
            unknown=int((read.ids == UNKNOWN).sum()) - without,
            new=None if whole is None else _new(part, rows, whole, settings) - without,
            single=int((lengths == 1).sum()),
            wordless=None if whole is None else without,
            copies=len(own) - len(np.unique(own)),
            of_train=0 if split == "train" else int(np.isin(own, in_train).sum()),
        )
    letters = count_letters(corpus.unigrams.words, corpus.unigrams.counts.tolist())
    part, rows = parts["train"]
    return Findings(
        name=corpus.name,
        classes=corpus.classes,
        caution=corpus.caution,
        whole=whole is not None,
        tokens=settings.tokens,
        max_length=settings.max_length,
        vocabulary=len(corpus.vocabulary),
        distinct=len(corpus.unigrams.words),
        vocabulary_is_own=not settings.vocabulary_from,
        given=whole.given if whole else (),
        splits=splits,
        contradicting=_contradicting(keys, labels, wordless),
        ninety=int(np.percentile(part.lengths[rows], 90, method="inverted_cdf")),
        letters=letters.all,
        spaceless=letters.spaceless,
        run_on=letters.run_on,
        symbols=settings.symbols,
        keep=settings.keep,
    )


def _all_rows(part: Encoded) -> tuple[Encoded, np.ndarray]:
    return part, np.arange(len(part))


def _keys(part: Encoded) -> np.ndarray:
    """uint64 [texts]: a digest of each text, the same for equal ones."""
    ids = np.ascontiguousarray(part.ids).data.cast("B")
    size = part.ids.itemsize
    digests = bytearray()
    for start, end in pairwise((part.offsets * size).tolist()):
        digests += hashlib.blake2b(ids[start:end], digest_size=8).digest()
    return np.frombuffer(bytes(digests), np.uint64)


def _wordless(part: Encoded, rows: np.ndarray, whole: Whole | None) -> np.ndarray:
    """bool [texts]: those that hold no word."""
    if whole is None or whole.no_word < 0:
        return np.zeros(len(rows), bool)
    first = part.ids[part.offsets[rows]]
    return (part.lengths[rows] == 1) & (first == whole.no_word)


def _lengths(lengths: np.ndarray, max_length: int, *, is_whole: bool) -> dict[str, Any]:
    quartiles = np.percentile(lengths, (25, 50, 75)) if len(lengths) else np.zeros(3)
    bins = np.searchsorted(EDGES, lengths, side="right") - 1
    beyond = np.maximum(lengths - max_length, 0)
    return {
        "quartiles": tuple(float(one) for one in quartiles),
        "longest": int(lengths.max(initial=0)),
        "words": int(lengths.sum()),
        # Of a text that fills all words that are read, nothing tells whether it ended there.
        "cut": int((beyond > 0).sum() if is_whole else (lengths == max_length).sum()),
        "lost": int(beyond.sum()) if is_whole else None,
        "histogram": tuple(np.bincount(bins, minlength=1).tolist()),
    }


def _new(part: Encoded, rows: np.ndarray, whole: Whole, settings: DataSettings) -> int:
    """Running words that are read and stand in no training text."""
    total = 0
    for start in range(0, len(rows), _CHUNK):
        some = rows[start : start + _CHUNK]
        ids = part.take(some, settings.max_length, settings.wording).ids
        total += int((~whole.in_train[ids]).sum())
    return total


def _contradicting(
    keys: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
    wordless: Mapping[str, np.ndarray],
) -> int:
    """Texts with words that equal one of another class, in any split."""
    kept = np.concatenate([~wordless[split] for split in SPLITS])
    every = np.concatenate([keys[split] for split in SPLITS])[kept]
    classes = np.concatenate([labels[split] for split in SPLITS])[kept]
    if not len(every):
        return 0
    order = np.argsort(every, kind="stable")
    every, classes = every[order], classes[order]
    starts = np.flatnonzero(np.concatenate([[True], every[1:] != every[:-1]]))
    sizes = np.diff(np.concatenate([starts, [len(every)]]))
    lowest, highest = np.minimum.reduceat(classes, starts), np.maximum.reduceat(classes, starts)
    return int(sizes[lowest != highest].sum())
