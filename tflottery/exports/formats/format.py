"""What a format is: how a network is written, and how its own runtime loads that again.

Every format is loaded in a fresh process (``exports/session.py``) that runs ``Format.load``. So a
format's module imports its runtime only where that is used, and never what others need.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from tflottery.files import sha256_of_bytes
from tflottery.versions import __version__

if TYPE_CHECKING:
    from tflottery.exports.network import Network
    from tflottery.tickets.ticket import Ticket

Arrays = Mapping[str, np.ndarray]
SAME_KERNELS, OTHER_KERNELS = 1e-5, 1e-4
"""How far scores may lie apart: kernels of other runtimes add in another order."""
Quantize = Literal["", "float16", "int8", "int8-full"]


@dataclass(frozen=True)
class Given:
    """What is written.

    ``ticket``: its trained network goes into the formats that training goes on from. ``network``:
    what is served, which may be without what pruning made useless; it goes into the others, and is
    None where none of those is written.
    ``quantize``: how a TFLite file stores numbers; empty as they are. ``examples``: int32 [texts,
    max_length], training texts whose activations set the scales of ``int8-full``; else empty.
    """

    ticket: Ticket
    network: Network | None = None
    quantize: Quantize = ""
    examples: np.ndarray | None = None

    @property
    def served(self) -> Network:
        """``network``, for a format that it goes into."""
        assert self.network is not None
        return self.network


class Loaded(Protocol):
    """A model in its runtime."""

    def operations(self) -> dict[str, list[str]]:
        """The names of the operations behind each signature, where the runtime tells them."""
        ...

    def prepare(self, signature: str, inputs: Arrays) -> Callable[[], Arrays]:
        """A function that runs the model once and gives its outputs."""
        ...


class Format(Protocol):
    """A kind of file.

    ``file`` is its path in a version's folder. ``purpose`` is what it is for, in half a sentence.
    ``modules``: what has to be installed beside TensorFlow, by the name that it is imported by.
    ``scores``: whether it gives scores for ``ids``. ``tolerance``: the most by which a score may
    differ from the Python model's. ``for_devices``: whether the files that a device reads texts
    with go beside it. ``unlabelled``: what it gives instead of a ``label``; empty where it has one.
    """

    name: str
    file: str
    purpose: str
    modules: tuple[str, ...]
    scores: bool
    tolerance: float
    for_devices: bool
    unlabelled: str

    def refusal(self, ticket: Ticket) -> str:
        """Why a ticket cannot be written so, in a sentence; empty if it can."""
        ...

    def write(self, given: Given, file: Path) -> None:
        """Writes the file."""
        ...

    def relabel(self, old: Path, new: Path, threshold: float) -> None:
        """Writes a file of the same scores whose ``label`` follows a threshold: the second of two
        classes where its score is above. One without labels is copied as it is.

        Args:
            old: a file that ``write`` wrote, or ``relabel``.
            new: the file to write.
            threshold: in (0, 1); scores are compared with it in 32 bits.
        """
        ...

    def tensors(self, ticket: Ticket) -> Arrays:
        """What ``tensors`` of a loaded file gives the digests of, bit for bit; empty where it does
        not hold the ticket's tensors."""
        ...

    def start(self) -> None:
        """Imports the runtime."""
        ...

    def load(self, file: str) -> Loaded:
        """Loads the file with the format's own runtime."""
        ...


def about(ticket: Ticket) -> dict[str, str]:
    """What a file says of itself, where its format has room for that: texts by name."""
    data = ticket.recipe.data
    return {
        "producer": f"tflottery {__version__}",
        "architecture": ticket.recipe.model.name,
        "dataset": Path(data.dataset).name,  # without the folders of somebody's machine
        "classes": json.dumps(list(ticket.classes), ensure_ascii=False),
        "max_length": str(data.max_length),
        "vocabulary_size": str(len(ticket.vocabulary)),
        "wording": json.dumps(asdict(data.wording)),
        "sparsity": f"{ticket.about['sparsity']:.6f}",
        "run_key": str(ticket.about["run_key"]),
    }


def digests(arrays: Arrays) -> dict[str, np.ndarray]:
    """What a fresh process says of tensors: ``names`` and ``digests``, arrays of bytes objects."""
    ordered = sorted(arrays)
    made: dict[str, Any] = {
        "names": [name.encode() for name in ordered],
        "digests": [digest(arrays[name]) for name in ordered],
    }
    return {key: np.array(value, object) for key, value in made.items()}


def digest(array: np.ndarray) -> bytes:
    """Of an array's type, shape and bytes."""
    content = np.ascontiguousarray(array).tobytes()
    return sha256_of_bytes(f"{array.dtype}{list(array.shape)}".encode() + content).encode()


def answers(probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """float [texts, classes] → ``score`` and ``label`` (int32, the class' number), as a device's
    file gives them."""
    two = probabilities.shape[1] == 2
    return {
        "score": probabilities[:, 1] if two else probabilities,
        "label": probabilities.argmax(axis=1).astype(np.int32),
    }
