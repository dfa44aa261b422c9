"""Encoded data: a source's texts as ids, split, and kept on disk under their fingerprint."""

from __future__ import annotations

import dataclasses
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tflottery import activity, startup
from tflottery.data import counting, overlap
from tflottery.data.counting import Whole
from tflottery.data.duplicates import words_of
from tflottery.data.findings import Findings
from tflottery.data.joined_words import END
from tflottery.data.numbering import NO_WORD, Numbering
from tflottery.data.settings import DataSettings
from tflottery.data.source import Example, Source
from tflottery.data.sources import name_of, open_source, reading, release_words
from tflottery.data.splitting import divide
from tflottery.data.table_source import TableSource
from tflottery.data.unigrams import Unigrams, merge
from tflottery.data.vocabulary import RESERVED, UNKNOWN, Vocabulary
from tflottery.data.wording import PLAIN, Wording
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
# Part of every cache key: which texts ``text.normaliser`` gives.
NORMALISATION = 1
SPLITS = ("train", "validation", "test")
_CHUNK = 1_024
# Bytes of texts that are numbered together, and words that are put in order together.
_TOGETHER = 1 << 18
_IDS = 1 << 18
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

    def take(
        self, rows: np.ndarray, max_length: int | None = None, wording: Wording = PLAIN
    ) -> Encoded:
        """The given texts in the given order, each cut to ``max_length`` words as the wording
        says."""
        whole = self.lengths[rows]
        lengths = whole if max_length is None else np.minimum(whole, max_length)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        # Position in the new order + where its text begins in the old - where in the new.
        shift = np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        source = np.arange(offsets[-1]) + shift
        if max_length is not None and wording.keep != "head":
            first, _ = wording.ends(max_length)
            position = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
            source += np.where(position < first, 0, np.repeat(whole - lengths, lengths))
        return Encoded(self.ids[source], offsets, self.labels[rows])


@dataclass(frozen=True)
class Corpus:
    """Everything a training reads. ``unigrams`` counts the words of the training texts, those that
    the vocabulary does not hold among them. ``findings``: what was counted where they are encoded
    now; None where they are read from a cache."""

    name: str
    train: Encoded
    validation: Encoded
    test: Encoded
    vocabulary: Vocabulary
    unigrams: Unigrams
    classes: tuple[str, ...]
    caution: str = ""
    findings: Findings | None = field(default=None, compare=False, repr=False)

    def unseen(self, split: str) -> np.ndarray:
        """bool [texts]: the texts of ``validation`` or ``test`` that a network can tell from every
        training text."""
        return overlap.unseen(getattr(self, split), self.train)


def load(settings: DataSettings, cache: Path) -> Corpus:
    """The encoded data, from the cache where it is there and whole, else made and kept.

    Args:
        settings: with their fingerprint (``sources.identify``).
        cache: a folder; encoded data goes into a folder of its own below it.

    Raises:
        UserError: the source cannot be read, has other content than the fingerprint says, or a
            cached file is damaged.
    """
    folder, counted = folder_of(settings, cache), None
    if not folder.exists():
        with activity.doing(reading(settings)):
            source = open_source(settings)
            is_same = source.fingerprint() == settings.fingerprint
        if not is_same:
            raise UserError(
                f"The data set {settings.dataset} has other content than it had; give the "
                "--data_dir or the file of that time."
            )
        vocabulary = _vocabulary(settings, cache)
        with activity.doing(f"encoding {name_of(settings) or source.name}", source.texts):
            encoded = encode(source, settings, vocabulary)
            _write(folder, encoded)
        counted = encoded.findings
        del encoded  # what is read now may be mapped
    release_words()
    made = dataclasses.replace(_read(folder), findings=counted)
    # Two files of equal content are encoded once, and each keeps its own name.
    return dataclasses.replace(made, name=name_of(settings) or made.name)


def folder_of(settings: DataSettings, cache: Path) -> Path:
    """Where the encoded data of settings are kept, whether they are there or not."""
    key = sha256_of_bytes(canonical_json(_cache_key(settings)).encode())
    return cache / key[:16]


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
        **({"division": settings.division} if settings.division != 1 else {}),
        **{
            item.name: getattr(settings.wording, item.name)
            for item in dataclasses.fields(PLAIN)
            if getattr(settings.wording, item.name) != item.default
        },
        "vocabulary_size": settings.vocabulary_size,
        "max_length": settings.max_length,
        "validation": settings.validation,
        "train_size": settings.train_size,
        "vocabulary_from": [_cache_key(other) for other in settings.vocabulary_from],
    }


def encode(
    source: Source,
    settings: DataSettings,
    vocabulary: Vocabulary | None = None,
    *,
    light: bool = False,
) -> Corpus:
    """Reads, normalises, splits and encodes a source, as a stream: what stays in memory is four
    bytes a word, twice.

    Where the source has no validation split, it is a fixed part of train; where it has no test
    split, that is a fixed part of all: stratified, the same for every seed of a study
    (``splitting.divide``).

    Args:
        source: labelled texts.
        settings: how they become ids.
        vocabulary: of other data; without it, that of the training texts alone.
        light: whether to do without TensorFlow: for counting, not for training, as words in letters
            that are younger than Python's Unicode tables come out otherwise.

    Raises:
        UserError: a text has no class, or there are too few.
    """
    parts, words = _numbered(source, settings.wording, light=light)
    for split, part in parts.items():
        if not np.isin(part.labels, np.arange(len(source.classes))).all():
            raise UserError(f"{source.name}: texts of the split {split!r} have no class.")
    groups = _equal_texts(parts["train"]) if settings.division == 2 else None
    rows = divide(parts["train"].labels, tuple(parts), settings, source.classes, groups)
    unigrams = _count(parts["train"], rows.train, words)
    vocabulary = vocabulary or unigrams.vocabulary(settings.vocabulary_size)
    known = {word: number for number, word in enumerate(vocabulary.words)}
    ids_of_numbers = np.array([known.get(word, UNKNOWN) for word in words], np.int32)

    def finish(part: Encoded, rows: np.ndarray) -> Encoded:
        if settings.wording.keep == "head":
            return _taken(part, rows, settings.max_length, ids_of_numbers)
        lengths = np.minimum(part.lengths[rows], settings.max_length)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        ids = np.empty(offsets[-1], np.int32)
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            cut = part.take(chunk, settings.max_length, settings.wording)
            ids[offsets[start] :][: len(cut.ids)] = ids_of_numbers[cut.ids]
        return Encoded(ids, offsets, part.labels[rows])

    drawn = {"train": rows.train, "validation": rows.validation, "test": rows.test}
    texts = {
        split: (parts[split], np.arange(len(parts[split])))
        if taken is None
        else (parts["train"], taken)
        for split, taken in drawn.items()
    }
    encoded: dict[str, Any] = {split: finish(part, taken) for split, (part, taken) in texts.items()}
    made = Corpus(
        name=source.name,
        **encoded,
        vocabulary=vocabulary,
        unigrams=unigrams,
        classes=source.classes,
        caution=source.caution,
    )
    seen = set(unigrams.words)
    in_train = np.array([word in seen for word in words], bool)
    no_word = words.index(NO_WORD.decode()) if NO_WORD.decode() in words else -1
    whole = Whole(texts, no_word, in_train, tuple(source.splits))
    return dataclasses.replace(made, findings=counting.count(made, settings, whole))


def _numbered(
    source: Source, wording: Wording, *, light: bool
) -> tuple[dict[str, Encoded], list[str]]:
    """The texts of each split as word numbers, and the words in order of first sight."""

    def normalised(texts: Sequence[bytes]) -> list[bytes]:
        return [words_of(text, wording) for text in texts] if light else _normalised(texts, wording)

    if isinstance(source, TableSource) and (numbered := source.numbered()) is not None:
        # What Python knows will do for counting; the texts wait on for TensorFlow.
        is_changed = not light and numbered.settle(normalised)
        whole = Encoded(numbered.ids, numbered.offsets, np.zeros(0, np.int32))
        chosen = {split: source.texts_of(split) for split in source.splits}
        if not is_changed and len(chosen) == 1 and len(chosen["train"]) == len(whole.offsets) - 1:
            part = dataclasses.replace(whole, labels=source.labels("train"))
            return {"train": part}, numbered.words
        parts = {
            split: dataclasses.replace(_taken(whole, rows), labels=source.labels(split))
            for split, rows in chosen.items()
        }
        return _in_order(parts, numbered.words)
    numbering = Numbering()

    def number(texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        if wording.is_plain:
            return numbering.number(texts, lambda _, others: normalised(others))
        words = b"".join(text + END for text in normalised(texts))
        return numbering.number_words(words, len(texts))

    parts = {split: _number_words(source.examples(split), number) for split in source.splits}
    return parts, numbering.words


def _number_words(
    examples: Iterable[Example],
    number: Callable[[Sequence[bytes]], tuple[np.ndarray, np.ndarray]],
) -> Encoded:
    """Texts as word numbers in order of first sight."""
    ids, counts, labels = array("i"), array("q"), array("i")
    for chunk in _chunks(examples):
        texts, chunk_labels = zip(*chunk, strict=True)
        labels.extend(chunk_labels)
        numbers, sizes = number(texts)
        ids.frombytes(numbers.tobytes())
        counts.frombytes(sizes.tobytes())
        activity.advance(len(chunk))
    offsets = np.concatenate([[0], np.cumsum(np.asarray(counts))]).astype(np.int64)
    # Views: the words of a large data set are not held twice.
    return Encoded(np.asarray(ids), offsets, np.asarray(labels))


def _normalised(texts: Sequence[bytes], wording: Wording) -> list[bytes]:
    """What ``normaliser`` gives. Texts in ASCII do without TensorFlow, which takes five times as
    long."""
    made = [words_of(text, wording) if text.isascii() else b"" for text in texts]
    others = [number for number, text in enumerate(texts) if not text.isascii()]
    if others:
        startup.start_tensorflow()
        from tflottery.data.text import normaliser

        normalise = normaliser(wording)
        for number, text in zip(
            others, normalise([texts[number] for number in others]).numpy(), strict=True
        ):
            made[number] = text
    return made


def _in_order(parts: dict[str, Encoded], words: list[str]) -> tuple[dict[str, Encoded], list[str]]:
    """The same with the words in order of first sight, one part after the other."""
    order = np.full(len(words), -1, np.int64)
    count = 0
    for part in parts.values():
        for start in range(0, len(part.ids), _IDS):
            some = part.ids[start : start + _IDS]
            new, first = np.unique(some[order[some] < 0], return_index=True)
            new = new[np.argsort(first)]
            order[new] = np.arange(count, count + len(new))
            count += len(new)
    named = np.flatnonzero(order >= 0)
    in_order = [""] * count
    for number, place in zip(named.tolist(), order[named].tolist(), strict=True):
        in_order[place] = words[number]
    number_of = order.astype(np.int32)
    renumbered = {
        split: dataclasses.replace(part, ids=number_of[part.ids]) for split, part in parts.items()
    }
    return renumbered, in_order


def _chunks(examples: Iterable[Example]) -> Iterator[list[Example]]:
    chunk: list[Example] = []
    size = 0
    for example in examples:
        chunk.append(example)
        size += len(example[0])
        if size >= _TOGETHER:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _taken(
    part: Encoded,
    rows: np.ndarray,
    max_length: int | None = None,
    ids_of_numbers: np.ndarray | None = None,
) -> Encoded:
    """What ``part.take`` gives for rows in ascending order, the words as ids."""
    sizes = part.lengths
    kept = np.zeros(len(sizes), np.int64)
    kept[rows] = sizes[rows] if max_length is None else np.minimum(sizes[rows], max_length)
    offsets = np.concatenate([[0], np.cumsum(kept[rows])]).astype(np.int64)
    ids = np.empty(offsets[-1], np.int32)
    at = 0
    for start, stop, first, last in _stretches(part):
        some = part.ids[first:last]
        # Words that are kept of each text, and words that are not, in turn.
        turns = np.stack([kept[start:stop], sizes[start:stop] - kept[start:stop]], axis=1)
        is_kept = np.repeat(np.tile([True, False], stop - start), turns.reshape(-1))
        some = some[is_kept]
        ids[at : at + len(some)] = some if ids_of_numbers is None else ids_of_numbers.take(some)
        at += len(some)
    labels = part.labels[rows] if len(part.labels) else part.labels
    return Encoded(ids, offsets, labels)


def _stretches(part: Encoded) -> Iterator[tuple[int, int, int, int]]:
    """Texts that are looked at together: the first and the end, and where their words are."""
    for start in range(0, len(part.offsets) - 1, _CHUNK):
        stop = min(start + _CHUNK, len(part.offsets) - 1)
        yield start, stop, int(part.offsets[start]), int(part.offsets[stop])


def _count(part: Encoded, rows: np.ndarray, words: list[str]) -> Unigrams:
    counts = np.zeros(len(words), np.int64)
    sizes, is_chosen = part.lengths, np.zeros(len(part), bool)
    is_chosen[rows] = True
    for start, stop, first, last in _stretches(part):
        chosen = np.repeat(is_chosen[start:stop], sizes[start:stop])
        counts += np.bincount(part.ids[first:last][chosen], minlength=len(words))
    seen = np.flatnonzero(counts)
    seen = seen[[words[number] not in RESERVED for number in seen.tolist()]]
    return Unigrams(tuple(words[number] for number in seen.tolist()), counts[seen])


def _equal_texts(part: Encoded) -> np.ndarray:
    """int64 [texts]: a number for each text, the same for those with the same words."""
    numbers: dict[bytes, int] = {}
    ids, offsets = part.ids, part.offsets.tolist()
    groups = [
        numbers.setdefault(ids[start:end].tobytes(), len(numbers))
        for start, end in pairwise(offsets)
    ]
    return np.array(groups, np.int64)


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

    encoded: dict[str, Any] = {
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
