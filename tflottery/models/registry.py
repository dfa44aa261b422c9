"""Architectures by name.

An architecture is a frozen dataclass of sizes in a file of its own, and an entry in
``ARCHITECTURES``. Its fields are the keys of ``[model]`` in a configuration.
"""

from __future__ import annotations

from tflottery.models.architecture import Architecture
from tflottery.models.cnn import Cnn
from tflottery.models.gru import Gru
from tflottery.models.lstm import Lstm
from tflottery.models.transformer import Transformer

ARCHITECTURES: dict[str, type[Architecture]] = {
    kind.name: kind for kind in (Cnn, Gru, Lstm, Transformer)
}
"""Classes by the name that ``--model`` takes."""
