"""The sparsities that an experiment looks at."""

from __future__ import annotations

from collections.abc import Iterable

from tflottery.errors import UserError


def check_levels(key: str, levels: Iterable[float], *, dense: bool = False) -> None:
    """Makes sure that levels are sparsities below 1.

    Args:
        key: what holds them, for messages.
        dense: whether 0, the dense network, is among what can be asked for.

    Raises:
        UserError: one is beyond; the line names the key and the level.
    """
    for level in levels:
        if not (0 < level < 1 or (dense and level == 0)):
            least = "[0" if dense else "(0"
            raise UserError(f"{key} holds {level:g}; a sparsity here is in {least}, 1).")
