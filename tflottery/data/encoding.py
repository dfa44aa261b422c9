"""From a source's raw texts to ids: words are numbered, texts dealt out, the vocabulary counted."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

import numpy as np

from tflottery.data import counting
from tflottery.data.counting import Whole
from tflottery.data.encoded import TOGETHER, Corpus, Encoded, stretches, take_ascending
from tflottery.data.reading.numbered_source import number_words
from tflottery.data.reading.source import Source
from tflottery.data.settings import DataSettings
from tflottery.data.splitting import divide
from tflottery.data.words.numbering import NO_WORD
from tflottery.data.words.unigrams import Unigrams
from tflottery.data.words.vocabulary import RESERVED, UNKNOWN, Vocabulary
from tflottery.errors import UserError


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
    parts, words = number_words(source, settings.wording, light=light)
    for split, part in parts.items():
        if not np.isin(part.labels, np.arange(len(source.classes))).all():
            raise UserError(f"{source.name}: texts of the split {split!r} have no class.")
    groups = _equal_texts(parts["train"]) if settings.division != 1 else None
    rows = divide(parts["train"].labels, tuple(parts), settings, source.classes, groups)
    unigrams = _count(parts["train"], rows.train, words)
    vocabulary = vocabulary or unigrams.vocabulary(settings.vocabulary_size)
    known = {word: number for number, word in enumerate(vocabulary.words)}
    ids_of_numbers = np.array([known.get(word, UNKNOWN) for word in words], np.int32)

    def finish(part: Encoded, rows: np.ndarray) -> Encoded:
        if settings.wording.keep == "head":
            return take_ascending(part, rows, settings.max_length, ids_of_numbers)
        lengths = np.minimum(part.lengths[rows], settings.max_length)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        ids = np.empty(offsets[-1], np.int32)
        for start in range(0, len(rows), TOGETHER):
            chunk = rows[start : start + TOGETHER]
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


def _count(part: Encoded, rows: np.ndarray, words: list[str]) -> Unigrams:
    counts = np.zeros(len(words), np.int64)
    sizes, is_chosen = part.lengths, np.zeros(len(part), bool)
    is_chosen[rows] = True
    for start, stop, first, last in stretches(part):
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
