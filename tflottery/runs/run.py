"""A finished run on disk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tflottery.arithmetic import Arithmetic
from tflottery.files import Arrays, read_arrays, read_sealed, size_of
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.masks import Masks
from tflottery.pruning.moving import moves
from tflottery.runs.predictions import Predictions, from_arrays

FORMAT_VERSION = 1
MASKS = "masks.npz"
PREDICTIONS = "predictions.npz"
MOVES = "moves.npz"
SCALES = "scales.npz"
_MEND = "Delete that folder, and the run is trained again where it is needed; or restore the file."


@dataclass(frozen=True)
class Run:
    """A finished run on disk. Its files are read, and their checksums compared, when they are asked
    for; a DamagedFileError says which one is damaged."""

    key: str
    folder: Path

    @cached_property
    def record(self) -> dict[str, Any]:
        """``run.json``, checked."""
        return read_sealed(
            self.folder / "run.json", what="run", format_version=FORMAT_VERSION, mend=_MEND
        )

    @property
    def metrics(self) -> dict[str, float]:
        """See ``Trained.metrics``; accuracies are fractions."""
        return self.record["metrics"]

    @property
    def history(self) -> list[dict[str, float]]:
        """One dict a validation, with its optimizer ``step``."""
        return self.record["history"]

    @property
    def seconds(self) -> float:
        """Wall time of the training."""
        return self.record["seconds"]

    @property
    def arithmetic(self) -> Arithmetic | None:
        """What its last digits depend on; None for runs that were made before it was recorded."""
        return Arithmetic.from_record(self.record.get("arithmetic"))

    @property
    def snapshots(self) -> list[str]:
        """The steps whose weights were kept."""
        return [name.removesuffix(".npz") for name in self.record["files"] if name != MASKS]

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return size_of(self.folder)

    def predictions(self) -> dict[str, Predictions] | None:
        """What the weights ``end`` say of the texts of ``validation`` and ``test``; None for runs
        that were made before it was kept: see ``Realiser.predictions``.

        Raises:
            DamagedFileError: the file is not what was written.
        """
        # Not among the record's files: earlier versions take all of those for snapshots.
        if (checksum := self.record.get("predictions")) is None:
            return None
        return from_arrays(read_arrays(self.folder / PREDICTIONS, checksum))

    def masks(self) -> Masks:
        """bool arrays by tensor: the mask at the end of the training.

        Raises:
            DamagedFileError: the file is not what was written.
        """
        packed = read_arrays(self.folder / MASKS, self.record["files"][MASKS])
        return mask_ops.unpack(packed, self._shapes)

    def moves(self) -> dict[int, Masks]:
        """The masks by the optimizer step from whose end on they held, bool arrays by tensor: those
        that the training began with (0), and those after each move. Empty where the masks stayed as
        they were, or where TF-MOT moved them.

        Raises:
            DamagedFileError: the file is not what was written.
        """
        # As predictions, no file of weights.
        if (checksum := self.record.get("moves")) is None:
            return {}
        return moves.from_arrays(read_arrays(self.folder / MOVES, checksum), self._shapes)

    def scales(self) -> Arrays:
        """float32 [units] by layer: the scales of the units with the weights ``end``, where they
        were trained along; else empty. The weights are those of the network without scales.

        Raises:
            DamagedFileError: the file is not what was written.
        """
        if (checksum := self.record.get("scales")) is None:
            return {}
        return read_arrays(self.folder / SCALES, checksum)

    @property
    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(shape) for name, shape in self.record["prunable"].items()}

    def snapshot(self, step: str) -> Arrays:
        """float32 arrays for every trainable tensor at that step; pruned weights are zero.

        Raises:
            KeyError: that snapshot was not kept; see ``snapshots``.
            DamagedFileError: the file is not what was written.
        """
        name = f"{step}.npz"
        return read_arrays(self.folder / name, self.record["files"][name])
