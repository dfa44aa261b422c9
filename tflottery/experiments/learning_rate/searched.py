"""What a search can try, and what its values are."""

from __future__ import annotations

from collections.abc import Mapping

DENSE = "dense"
SEARCHED = ("learning_rate", "warmup", "decay", "batch_size", "dropout")

Value = float | int | str
Values = Mapping[str, Value]
