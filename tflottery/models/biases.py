"""Which tensors are biases, told by their names."""

from __future__ import annotations

from collections.abc import Iterable


def is_bias(tensor: str) -> bool:
    """Whether a tensor of that name is what a layer adds."""
    return tensor.rpartition("/")[2].endswith("bias")


def biases_beside(tensors: Iterable[str], among: Iterable[str]) -> tuple[str, ...]:
    """The names of the biases that lie in the same layers as some tensors.

    Args:
        tensors: names, as of all kernels that are trained.
        among: the names of all tensors.
    """
    layers = {name.rpartition("/")[0] for name in tensors}
    return tuple(name for name in among if is_bias(name) and name.rpartition("/")[0] in layers)
