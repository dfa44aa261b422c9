"""Encoded data: a source's texts as ids, split, and kept on disk under their fingerprint."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tflottery import seeds, startup
from tflottery.data.settings import DataSettings
from tflottery.data.source import Example, Source
from tflottery.data.sources import open_source
from tflottery.data.unigrams import Unigrams, merge
from tflottery.data.vocabulary import RESERVED, UNKNOWN, Vocabulary
from tflottery.errors import UserError
from tflottery.files import (
    canonical_json,
    check_file,
    new_folder,
    read_sealed,
    seal,
    sha256_of_bytes,
    sha256_of_file,
)

FORMAT_VERSION = 2
# Part of every cache key: which texts ``text.normalise`` gives.
NORMALISATION = 1
SPLITS = ("train", "validation", "test")
_TEST_FRACTION = 0.2
_CHUNK = 1_024
# Bytes of a file that stays on disk, for workers to share and for more data than memory. Evaluation
# takes texts in the order of their lengths: where the system lets go of a file's pages, each text
# is a read from disk.
_MAPPED = 128 * 2**20


@dataclass(frozen=True)
class Encoded:
    """Texts as ids, one after the other.

    ``ids``: int32 [words]; ``offsets``: int64 [texts + 1], text i is
    ``ids[offsets[i]:offsets[i + 1]]``; ``labels``: int32 [texts].
    """

    ids: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> np.ndarray:
        """int64 [texts]: words in each text."""
        return np.diff(self.offsets)

    def steps_per_epoch(self, batch_size: int) -> int:
        """Batches in one pass; the last one may be smaller."""
        return -(-len(self) // batch_size)

    def take(self, rows: np.ndarray, max_length: int | None = None) -> Encoded:
        """The given texts in the given order, each cut after ``max_length`` words."""
        lengths = self.lengths[rows]
        if max_length is not None:
            lengths = np.minimum(lengths, max_length)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        # Position in the new order + where its text begins in the old - where in the new.
        shift = np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        source = np.arange(offsets[-1]) + shift
        return Encoded(self.ids[source], offsets, self.labels[rows])


@dataclass(frozen=True)
class Corpus:
    """Everything a training reads. ``unigrams`` counts the words of the training texts, those that
    the vocabulary does not hold among them."""

    name: str
    train: Encoded
    validation: Encoded
    test: Encoded
    vocabulary: Vocabulary
    unigrams: Unigrams
    classes: tuple[str, ...]
    caution: str = ""


def load(settings: DataSettings, cache: Path) -> Corpus:
    """The encoded data, from the cache where it is there and whole, else made and kept.

    Args:
        settings: with their fingerprint (``sources.identify``).
        cache: a folder; encoded data goes into a folder of its own below it.

    Raises:
        UserError: the source cannot be read, has other content than the fingerprint says, or a
            cached file is damaged.
    """
    key = sha256_of_bytes(canonical_json(_cache_key(settings)).encode())
    folder = cache / key[:16]
    if not folder.exists():
        source = open_source(settings)
        if source.fingerprint() != settings.fingerprint:
            raise UserError(
                f"The data set {settings.dataset} has other content than it had; give the "
                "--data_dir or the file of that time."
            )
        _write(folder, encode(source, settings, _vocabulary(settings, cache)))
    return _read(folder)


def _vocabulary(settings: DataSettings, cache: Path) -> Vocabulary | None:
    """The vocabulary of other data, where the settings ask for it."""
    if not settings.vocabulary_from:
        return None
    counted = merge(load(other, cache).unigrams for other in settings.vocabulary_from)
    return counted.vocabulary(settings.vocabulary_size)


def _cache_key(settings: DataSettings) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "normalisation": NORMALISATION,
        "fingerprint": settings.fingerprint,
        "columns": [settings.text_column, settings.label_column],
        "vocabulary_size": settings.vocabulary_size,
        "max_length": settings.max_length,
        "validation": settings.validation,
        "train_size": settings.train_size,
        "vocabulary_from": [_cache_key(other) for other in settings.vocabulary_from],
    }


def encode(source: Source, settings: DataSettings, vocabulary: Vocabulary | None = None) -> Corpus:
    """Reads, normalises, splits and encodes a source, as a stream: what stays in memory is four
    bytes a word, twice.

    Validation is a fixed part of train, and test where the source has none is a fixed part of all:
    stratified, the same for every seed of a study.

    Args:
        source: labelled texts.
        settings: how they become ids.
        vocabulary: of other data; without it, that of the training texts alone.

    Raises:
        UserError: a text has no class, or there are too few.
    """
    numbers: dict[bytes, int] = {}
    parts = {split: _number_words(source.examples(split), numbers) for split in source.splits}
    for split, part in parts.items():
        if not np.isin(part.labels, np.arange(len(source.classes))).all():
            raise UserError(f"{source.name}: texts of the split {split!r} have no class.")
    training_rows, test_rows = np.arange(len(parts["train"])), None
    if "test" not in parts:
        training_rows, test_rows = _split(parts["train"].labels, training_rows, _TEST_FRACTION)
    if settings.train_size:
        training_rows = _subsample(parts["train"].labels, training_rows, settings.train_size)
    train_rows, validation_rows = _split(parts["train"].labels, training_rows, settings.validation)
    words = [word.decode() for word in numbers]
    unigrams = _count(parts["train"], train_rows, words)
    vocabulary = vocabulary or unigrams.vocabulary(settings.vocabulary_size)
    known = {word: number for number, word in enumerate(vocabulary.words)}
    ids_of_numbers = np.array([known.get(word, UNKNOWN) for word in words], np.int32)

    def finish(part: Encoded, rows: np.ndarray) -> Encoded:
        lengths = np.minimum(part.lengths[rows], settings.max_length)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        ids = np.empty(offsets[-1], np.int32)
        for start in range(0, len(rows), _CHUNK):
            cut = part.take(rows[start : start + _CHUNK], settings.max_length)
            ids[offsets[start] :][: len(cut.ids)] = ids_of_numbers[cut.ids]
        return Encoded(ids, offsets, part.labels[rows])

    test_part, test_rows = (
        (parts["test"], np.arange(len(parts["test"])))
        if test_rows is None
        else (parts["train"], test_rows)
    )
    return Corpus(
        name=source.name,
        train=finish(parts["train"], train_rows),
        validation=finish(parts["train"], validation_rows),
        test=finish(test_part, test_rows),
        vocabulary=vocabulary,
        unigrams=unigrams,
        classes=source.classes,
        caution=source.caution,
    )


def _number_words(examples: Iterable[Example], numbers: dict[bytes, int]) -> Encoded:
    """Texts as word numbers in order of first sight; new words are added to ``numbers``."""
    startup.start_tensorflow()
    from tflottery.data.text import normalise

    ids, offsets, labels = array("i"), array("q", [0]), array("i")
    # A text without words is one word that no vocabulary holds.
    wordless = [b"[UNK]"]
    for chunk in _chunks(examples):
        texts, chunk_labels = zip(*chunk, strict=True)
        labels.extend(chunk_labels)
        for text in normalise(list(texts)).numpy():
            ids.extend(
                [numbers.setdefault(word, len(numbers)) for word in text.split() or wordless]
            )
            offsets.append(len(ids))
    # Views: the words of a large data set are not held twice.
    return Encoded(np.asarray(ids), np.asarray(offsets), np.asarray(labels))


def _chunks(examples: Iterable[Example]) -> Iterator[list[Example]]:
    iterator = iter(examples)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk


def _count(part: Encoded, rows: np.ndarray, words: list[str]) -> Unigrams:
    counts = np.zeros(len(words), np.int64)
    for start in range(0, len(rows), _CHUNK):
        ids = part.take(rows[start : start + _CHUNK]).ids
        counts += np.bincount(ids, minlength=len(words))
    seen = [number for number in np.flatnonzero(counts) if words[number] not in RESERVED]
    return Unigrams(tuple(words[number] for number in seen), counts[seen])


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


def _split(labels: np.ndarray, rows: np.ndarray, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows kept and rows held out: ``fraction`` of each class, drawn once and for all."""
    random = seeds.generator("split")
    held_out = []
    for label in np.unique(labels[rows]):
        of_class = random.permutation(rows[labels[rows] == label])
        count = round(len(of_class) * fraction)
        if count == 0 or count == len(of_class):
            raise UserError(
                f"Class number {label} has {len(of_class)} texts: too few to hold out "
                f"{fraction:.0%} of them. Add texts, or drop the class."
            )
        held_out.append(of_class[:count])
    out = np.sort(np.concatenate(held_out))
    return np.setdiff1d(rows, out), out


def _write(folder: Path, corpus: Corpus) -> None:
    # Another process that was faster wrote the same, and others read it already.
    with suppress(FileExistsError), new_folder(folder, replace=False) as staging:
        files = {}
        for split in SPLITS:
            encoded = getattr(corpus, split)
            for part in ("ids", "offsets", "labels"):
                path = staging / f"{split}.{part}.npy"
                np.save(path, getattr(encoded, part), allow_pickle=False)
                files[path.name] = sha256_of_file(path)
        path = staging / "counts.npy"
        np.save(path, corpus.unigrams.counts, allow_pickle=False)
        files[path.name] = sha256_of_file(path)
        texts = {
            "vocabulary.txt": corpus.vocabulary.to_text(),
            "words.txt": "".join(f"{word}\n" for word in corpus.unigrams.words),
        }
        for name, text in texts.items():
            (staging / name).write_text(text, encoding="utf-8", newline="\n")
            files[name] = sha256_of_file(staging / name)
        payload = {
            "format_version": FORMAT_VERSION,
            "name": corpus.name,
            "classes": list(corpus.classes),
            "caution": corpus.caution,
            "files": files,
        }
        (staging / "corpus.json").write_text(seal(payload), encoding="utf-8")


def _read(folder: Path) -> Corpus:
    payload = read_sealed(
        folder / "corpus.json", what="encoded data", format_version=FORMAT_VERSION
    )
    for name, checksum in payload["files"].items():
        check_file(folder / name, checksum)

    def part(split: str, name: str) -> np.ndarray:
        path = folder / f"{split}.{name}.npy"
        is_large = path.stat().st_size > _MAPPED
        return np.load(path, mmap_mode="r" if is_large else None, allow_pickle=False)

    encoded = {
        split: Encoded(part(split, "ids"), part(split, "offsets"), part(split, "labels"))
        for split in SPLITS
    }
    words = (folder / "words.txt").read_text(encoding="utf-8").split("\n")[:-1]
    return Corpus(
        name=payload["name"],
        vocabulary=Vocabulary.from_file(folder / "vocabulary.txt"),
        unigrams=Unigrams(tuple(words), np.load(folder / "counts.npy", allow_pickle=False)),
        classes=tuple(payload["classes"]),
        caution=payload["caution"],
        **encoded,
    )
