"""Forms: a network as what runs it, for batches of 32 texts: a SavedModel, or a TFLite file in some
precision."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tflottery.data.encoded import Encoded
from tflottery.data.words.vocabulary import Vocabulary
from tflottery.exports import measuring, saved_model
from tflottery.exports.fast.shown import BATCH, SAVED_MODEL, THREADS
from tflottery.exports.formats import tflite
from tflottery.exports.measuring import Size, Speed
from tflottery.exports.network import Network
from tflottery.exports.verification import padded

FILE = "model.tflite"
LITE = tflite.NAMES
"""Forms of TFLite, with how each stores numbers."""


def write(
    form: str, network: Network, vocabulary: Vocabulary, examples: np.ndarray, folder: Path
) -> Path:
    """Writes a network in a form; returns what is to be loaded.

    Args:
        form: ``SavedModel``, or one of ``LITE``.
        network: what to write.
        vocabulary: the network's, which a SavedModel holds.
        examples: int32 [texts, max_length], for ``int8-full``.
        folder: an empty one.

    Raises:
        UnconvertibleError: the network cannot be stored so.
    """
    if form == SAVED_MODEL:
        saved_model.save(network, vocabulary, folder)
        return folder
    file = folder / FILE
    file.write_bytes(tflite.convert(network, BATCH, LITE[form], examples))
    return file


def sizes(models: Mapping[str, Path], vocabulary: Vocabulary) -> dict[str, Size]:
    """Bytes of each, by name, with the vocabulary that every one of them needs: a SavedModel holds
    it, a file of TFLite has it beside it."""
    words = {"vocabulary.txt": vocabulary.to_text().encode()}
    return {
        name: measuring.size(model, words if model.name == FILE else None)
        for name, model in models.items()
    }


def speeds(
    models: Mapping[str, Path], texts: Encoded, length: int, rounds: int
) -> dict[str, Speed]:
    """How fast each is, in turns, with one thread.

    Args:
        models: by name.
        texts: whose words are read; joined and cut, so that no row has padding.
        length: words of a row.
        rounds: turns of each.
    """
    ids = full_texts(texts, length)
    runs = {BATCH: measuring.RUNS[BATCH]}
    files = {name: {BATCH: model} for name, model in models.items()}
    return measuring.speeds(files, ids, runs=runs, rounds=rounds, threads=THREADS)


def scores(model: Path, texts: Encoded, length: int) -> np.ndarray:
    """float [texts, classes]: what a model says of each text."""
    ids = padded(np.split(texts.ids, texts.offsets[1:-1]), length)
    return measuring.scores(model, ids, BATCH)


def full_texts(texts: Encoded, words: int) -> np.ndarray:
    """int32 [batch, words]: the texts, joined and cut into rows. The rows have no padding, so no
    model is faster only because it skips padding."""
    return np.resize(texts.ids, (BATCH, words)).astype(np.int32)
