"""Architectures by name.

An architecture is a frozen dataclass of sizes in a file of its own, and an entry in
``ARCHITECTURES``. Its fields are the keys of ``[model]`` in a configuration.
"""

from __future__ import annotations

from tflottery.models.architecture import Architecture
from tflottery.models.shipped.cnn import Cnn
from tflottery.models.shipped.gru import Gru
from tflottery.models.shipped.lstm import Lstm
from tflottery.models.shipped.transformer import Transformer
from tflottery.registry import Registry

ARCHITECTURES: Registry[type[Architecture]] = Registry("network")
"""Classes by the name that ``--model`` takes."""

for kind in (Cnn, Gru, Lstm, Transformer):
    ARCHITECTURES.add(kind.name, kind, kind)
