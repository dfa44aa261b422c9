"""The texts of a source as numbers of their words."""

from __future__ import annotations

import dataclasses
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from tflottery import activity, startup
from tflottery.data.encoded import Encoded, take_ascending
from tflottery.data.reading.source import Example, Source
from tflottery.data.reading.table_source import TableSource
from tflottery.data.words.duplicates import words_of
from tflottery.data.words.joined_words import END
from tflottery.data.words.numbering import Numbering
from tflottery.data.words.wording import Wording

# Bytes of texts that are numbered together, and words that are put in order together.
_TOGETHER = 1 << 18
_IDS = 1 << 18


def number_words(
    source: Source, wording: Wording, *, light: bool
) -> tuple[dict[str, Encoded], list[str]]:
    """The texts of each split as word numbers, and the words in order of first sight."""

    def normalised(texts: Sequence[bytes]) -> list[bytes]:
        return [words_of(text, wording) for text in texts] if light else _normalised(texts, wording)

    if isinstance(source, TableSource) and (numbered := source.numbered()) is not None:
        # What Python knows will do for counting; the texts wait on for TensorFlow.
        is_changed = not light and numbered.settle(normalised)
        whole = Encoded(numbered.ids, numbered.offsets, np.zeros(0, np.int32))
        activity.advance(len(whole.offsets) - 1)
        chosen = {split: source.texts_of(split) for split in source.splits}
        if not is_changed and len(chosen) == 1 and len(chosen["train"]) == len(whole.offsets) - 1:
            part = dataclasses.replace(whole, labels=source.labels("train"))
            return {"train": part}, numbered.words
        parts = {
            split: dataclasses.replace(take_ascending(whole, rows), labels=source.labels(split))
            for split, rows in chosen.items()
        }
        return _in_order(parts, numbered.words)
    numbering = Numbering()

    def number(texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        if wording.is_plain:
            return numbering.number(texts, lambda _, others: normalised(others))
        words = b"".join(text + END for text in normalised(texts))
        return numbering.number_words(words, len(texts))

    parts = {split: _numbered(source.examples(split), number) for split in source.splits}
    return parts, numbering.words


def _numbered(
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
        from tflottery.data.words.text import normaliser

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
