"""A safetensors file: the trained weights alone, for any framework that can read arrays."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tflottery.exports.formats.format import SAME_KERNELS, Arrays, Given, Loaded, about, digests

if TYPE_CHECKING:
    from tflottery.tickets.ticket import Ticket


class SafeTensors:
    """See ``Format``. The tensors have the ticket's names; pruned weights are zeros in them."""

    name = "safetensors"
    file = "model.safetensors"
    purpose = "the weights alone, for any framework"
    modules: tuple[str, ...] = ("safetensors",)
    scores = False
    tolerance = SAME_KERNELS
    for_devices = False
    unlabelled = "tensors"

    def refusal(self, ticket: Ticket) -> str:
        del ticket
        return ""

    def write(self, given: Given, file: Path) -> None:
        from safetensors.numpy import save

        weights = given.ticket.final_weights
        arrays = {name: np.ascontiguousarray(weights[name]) for name in sorted(weights)}
        # Not ``save_file``, whose files only their owner may read.
        # One entry, since several come in another order each time.
        said = json.dumps(about(given.ticket), sort_keys=True)
        file.write_bytes(save(arrays, metadata={"tflottery": said}))

    def relabel(self, old: Path, new: Path, threshold: float) -> None:
        del threshold
        shutil.copyfile(old, new)

    def tensors(self, ticket: Ticket) -> Arrays:
        return ticket.final_weights

    def start(self) -> None:
        import safetensors.numpy  # noqa: F401

    def load(self, file: str) -> Loaded:
        return _Tensors(file)


class _Tensors:
    def __init__(self, file: str) -> None:
        from safetensors.numpy import load_file

        self._arrays = load_file(file)

    def operations(self) -> dict[str, list[str]]:
        return {}

    def prepare(self, signature: str, inputs: Arrays) -> Callable[[], Arrays]:
        del signature, inputs  # it holds tensors and computes nothing
        return lambda: digests(self._arrays)
