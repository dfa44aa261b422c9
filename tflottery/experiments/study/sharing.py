"""What each scope would leave of the parts of a network: read off a dense network that is trained,
without any training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tflottery.models.architecture import Architecture
from tflottery.models.biases import biases_beside, is_bias
from tflottery.pruning import masks as mask_ops
from tflottery.pruning import scopes
from tflottery.pruning.masks import Masks, To
from tflottery.pruning.scopes import BeyondReachError
from tflottery.pruning.shares import ends_in, excluded

# In the order in which a text goes through them.
PARTS = ("embedding", "convolution", "gates", "other layers", "head", "biases")


def part_of(tensor: str, shape: tuple[int, ...], architecture: Architecture) -> str:
    """Which of ``PARTS`` a tensor belongs to."""
    roles = architecture.roles()
    if tensor in roles.embedding:
        return "embedding"
    if tensor in roles.head:
        return "head"
    if is_bias(tensor):
        return "biases"
    if architecture.gates(tensor):
        return "gates"
    return "convolution" if len(shape) > 2 else "other layers"


def shares(
    architecture: Architecture,
    masks: Masks,
    weights: Mapping[str, np.ndarray],
    levels: Iterable[float],
    *,
    embedding: bool = True,
    head: bool = True,
) -> Iterator[dict[str, Any]]:
    """How many weights of each part one-shot pruning by magnitude keeps, in every scope.

    A scope that cannot prune as far as a level has no row there, nor has what is excluded.

    Args:
        architecture: of the network.
        masks: bool arrays by tensor, all true: of what is pruned.
        weights: float32 arrays for every trainable tensor, after training.
        levels: sparsities.
        embedding, head: whether these are pruned.

    Yields:
        ``scope``, ``level``, ``part``, ``remaining`` and ``total`` (weights).
    """
    roles = architecture.roles()
    exclude = excluded(roles, embedding, head)
    exclude += biases_beside(exclude, masks)
    scores = {name: np.abs(weights[name]) for name in masks}
    ends = ends_in(masks, roles)
    of = {name: part_of(name, mask.shape, architecture) for name, mask in masks.items()}
    for level in levels:
        for scope in scopes.SCOPES:
            try:
                kept = mask_ops.prune(
                    masks, scores, To(level), scope=scope, exclude=exclude, ends=ends
                )
            except BeyondReachError:
                continue
            for part in PARTS:
                own = {
                    name: mask
                    for name, mask in kept.items()
                    if of[name] == part and name not in exclude
                }
                if own:
                    counted = mask_ops.count(own)
                    yield {
                        "scope": scope,
                        "level": level,
                        "part": part,
                        "remaining": counted.remaining,
                        "total": counted.total,
                    }
