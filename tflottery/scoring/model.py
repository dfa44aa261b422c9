"""An exported model that scores many texts, as fast as it can."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tflottery.errors import TflotteryError
from tflottery.exports import client

TOGETHER = 256
"""Texts that are scored at once: enough that a call of the model costs nothing beside them."""
_BYTES_TOGETHER = 1 << 22
_NAMES = re.compile(r"weights/(.+)/\.ATTRIBUTES/VARIABLE_VALUE")


class Scorer:
    """A model of this machine, loaded.

    Attributes:
        folder: of its version.
        classes: names in the order of the scores.

    Raises:
        UserError: there is no model, or it is damaged.
        TflotteryError: tflottery did not export it.
    """

    def __init__(self, model: str | Path) -> None:
        self.folder = client.version_folder(client.Model(Path(model)))
        self._loaded = client.load(self.folder)
        self.classes = self._classes()

    def _classes(self) -> tuple[str, ...]:
        import tensorflow as tf

        from tflottery.exports.verification import examples

        try:
            answer = self._loaded.signatures["classify"](inputs=tf.constant(examples([b""])))
            return tuple(name.decode() for name in answer["classes"].numpy()[0].tolist())
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self._foreign() from None

    def _foreign(self) -> TflotteryError:
        return TflotteryError(
            f"{self.folder} answers, but not with label and score: not a model of ours?"
        )

    def score(self, texts: Sequence[bytes]) -> tuple[list[str], np.ndarray]:
        """The model's label of each text, and float32 [texts, classes], probabilities.

        Texts of similar length are scored together, since a batch is as slow as its longest text.
        """
        labels = np.empty(len(texts), object)
        scores = np.empty((len(texts), len(self.classes)), np.float32)
        for rows in batches([len(text) for text in texts]):
            label, score = self._ask([texts[row] for row in rows])
            labels[rows], scores[rows] = label, score
        return labels.tolist(), scores

    @property
    def max_length(self) -> int:
        """Words of a text that the model reads."""
        _, inputs = self.by_ids.structured_input_signature
        return int(inputs["ids"].shape[1])

    def score_ids(self, texts: Sequence[Sequence[int]]) -> np.ndarray:
        """float32 [texts, classes]: the scores of texts whose words are numbers, at most
        ``max_length`` each."""
        import tensorflow as tf

        scores = np.empty((len(texts), len(self.classes)), np.float32)
        for rows in batches([len(text) for text in texts]):
            ids = self.padded([texts[row] for row in rows.tolist()])
            scores[rows] = per_class(self.by_ids(ids=tf.constant(ids))["score"].numpy())
        return scores

    def padded(self, texts: Sequence[Sequence[int]]) -> np.ndarray:
        """int32 [texts, ``max_length``]: the numbers of words, and padding."""
        ids = np.zeros((len(texts), self.max_length), np.int32)
        for number, text in enumerate(texts):
            ids[number, : len(text)] = text
        return ids

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """The network's weights by tensor, as they are stored."""
        import tensorflow as tf

        stored: Any = tf.train.load_checkpoint(str(self.folder / "variables" / "variables"))
        keys = {
            found[1].replace(".S", "/"): key
            for key in stored.get_variable_to_shape_map()
            if (found := _NAMES.fullmatch(key))
        }
        return {name: stored.get_tensor(key) for name, key in sorted(keys.items())}

    @property
    def by_ids(self) -> Any:
        """The function of the signature ``ids``."""
        return self._loaded.signatures["ids"]

    def _ask(self, texts: list[bytes]) -> tuple[list[str], np.ndarray]:
        import tensorflow as tf

        try:
            given = self._loaded.signatures["serving_default"](text=tf.constant(texts, tf.string))
            labels = [label.decode() for label in given["label"].numpy().tolist()]
            return labels, per_class(given["score"].numpy())
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self._foreign() from None


def per_class(score: np.ndarray) -> np.ndarray:
    """A model's ``score`` as float [texts, classes]."""
    return np.stack([1 - score, score], axis=1) if score.ndim == 1 else score


def batches(sizes: Sequence[int]) -> list[Any]:
    """int arrays: which texts are scored together, by their sizes in bytes; so many, or as many as
    a few megabytes hold."""
    order = np.argsort(sizes, kind="stable")[::-1]
    found: list[Any] = []
    batch: list[int] = []
    largest = 0
    for row in order.tolist():
        largest = max(largest, sizes[row])
        if batch and (len(batch) == TOGETHER or largest * (len(batch) + 1) > _BYTES_TOGETHER):
            found.append(np.array(batch))
            batch, largest = [], sizes[row]
        batch.append(row)
    return [*found, np.array(batch)] if batch else found
