"""Layers that are left without a weight: nothing of a text gets through them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tflottery.models.biases import is_bias


def collapsed(masks: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """The names of layers without a weight left, and, of other layers, those of tensors without
    one; biases are nothing that a text goes through.

    Args:
        masks: bool arrays by tensor.
    """
    layers: dict[str, list[str]] = {}
    for name in sorted(masks):
        if masks[name].size and not is_bias(name):
            layers.setdefault(name.rpartition("/")[0] or name, []).append(name)
    found: list[str] = []
    for layer, tensors in layers.items():
        empty = [name for name in tensors if not masks[name].any()]
        found += [layer] if empty == tensors else empty
    return tuple(found)
