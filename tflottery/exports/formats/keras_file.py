"""A ``.keras`` file: to go on training with Keras alone; it holds the mask."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tflottery.exports.formats.format import SAME_KERNELS, Arrays, Given, Loaded, answers, digests

if TYPE_CHECKING:
    from tflottery.tickets.ticket import Ticket


class KerasFile:
    """See ``Format``. The whole network of the ticket, trained, from ids to logits."""

    name = "keras"
    file = "model.keras"
    purpose = "training on with tf_keras; the mask holds"
    modules: tuple[str, ...] = ()
    scores = True
    tolerance = SAME_KERNELS
    for_devices = False
    unlabelled = "logits"

    def refusal(self, ticket: Ticket) -> str:
        del ticket
        return ""

    def write(self, given: Given, file: Path) -> None:
        given.ticket.build("final").save(file)

    def relabel(self, old: Path, new: Path, threshold: float) -> None:
        del threshold
        shutil.copyfile(old, new)

    def tensors(self, ticket: Ticket) -> Arrays:
        masks = {_of_mask(name): mask for name, mask in ticket.masks.items()}
        return {**ticket.final_weights, **masks}

    def start(self) -> None:
        import tf_keras  # noqa: F401

    def load(self, file: str) -> Loaded:
        return _Model(file)


def _of_mask(tensor: str) -> str:
    return f"mask of {tensor}"


class _Model:
    def __init__(self, file: str) -> None:
        import tf_keras as keras

        self._model = keras.models.load_model(file, compile=False)

    def operations(self) -> dict[str, list[str]]:
        return {}

    def prepare(self, signature: str, inputs: Arrays) -> Callable[[], Arrays]:
        if signature == "tensors":
            return self._tensors
        return lambda: self._scored(inputs["ids"])

    def _scored(self, ids: np.ndarray) -> Arrays:
        used = np.flatnonzero(ids.any(axis=0))
        logits = self._model(ids[:, : used[-1] + 1 if used.size else 1], training=False).numpy()
        if logits.shape[1] == 1:  # of two classes, the first has the logit 0
            logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return answers(powers / powers.sum(axis=1, keepdims=True))

    def _tensors(self) -> Arrays:
        from tflottery.models import weights
        from tflottery.pruning.held import masks_of

        masks = {_of_mask(name): mask for name, mask in masks_of(self._model).items()}
        return digests({**weights.get(self._model), **masks})
