"""Architectures by name.

An architecture is one file with a frozen dataclass of sizes (its fields are the keys of a config's
``[model]`` table) and a place in ``ARCHITECTURES``.
"""

from __future__ import annotations

from tflottery.models.architecture import Architecture
from tflottery.models.cnn import Cnn
from tflottery.models.lstm import Lstm

ARCHITECTURES: dict[str, type[Architecture]] = {kind.name: kind for kind in (Cnn, Lstm)}
"""By the name that ``--model`` takes."""
