"""Finished runs on disk, by key.

::

    runs/
      store.json            the format
      <key>/run.json        spec, metrics, history, versions, checksums; sealed
      <key>/masks.npz       one bit a weight
      <key>/<step>.npz      weights
      <key>/predictions.npz logits and labels of validation and test texts
      <key>/moves.npz       where masks moved: those after each move, one bit a weight
      <key>/scales.npz      where units had scales: those of the weights that are kept
      locks/<key>           held while a process trains that run
      data/                 encoded data

A run's folder appears whole, by rename. Locks are the kernel's (``flock``), which frees those of a
dead process at once. What such a process left half-written is deleted when its run is written.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tflottery import archives, arithmetic
from tflottery.errors import UserError
from tflottery.files import (
    STAGING_PREFIX,
    new_folder,
    remove_folder,
    require_writable,
    seal,
    sha256_of_bytes,
    size_of,
    write_arrays,
    write_atomically,
)
from tflottery.models.brought.registered import origin_of
from tflottery.notebook import as_html
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.moving import moves
from tflottery.runs import inventory, predictions
from tflottery.runs.run import FORMAT_VERSION, MASKS, MOVES, PREDICTIONS, SCALES, Run
from tflottery.runs.specs import RunSpec
from tflottery.settings import place
from tflottery.training.trained import Trained
from tflottery.versions import versions

if TYPE_CHECKING:
    import pandas as pd


def _about(run: Run) -> dict[str, Any]:
    """What the record of a run keeps of the run that it replaces."""
    return {key: run.record.get(key) for key in ("arithmetic", "metrics", "versions", "files")}


# First part of a Path built from a URL.
_ADDRESS = re.compile("[a-z][a-z0-9]+:")


class Store:
    """A folder of finished runs. Opening one writes nothing.

    >>> import tflottery as tfl
    >>> store = tfl.Store("runs")
    >>> len(store.runs())
    0

    Args:
        root: the folder, which need not be there yet.

    Raises:
        UserError: the folder cannot be used, or is a store of another format.
    """

    def __init__(self, root: str | Path = "runs") -> None:
        self.root = root = place("store", root)
        if _ADDRESS.fullmatch(next(iter(root.parts), "")):
            raise UserError(
                f"{root} is in an object store, which can neither lock nor rename; give --store a "
                "folder, and copy it there when all is done."
            )
        try:
            if not root.exists():
                require_writable(root, "--store")
            elif self._holds_other_things():
                raise UserError(self._what_is_missing())
            elif self._marker.exists():
                version = json.loads(self._marker.read_bytes()).get("format_version")
                if version != FORMAT_VERSION:
                    raise UserError(
                        f"The store {root} has format version {version!r}; this tflottery reads "
                        f"{FORMAT_VERSION}. Give --store another folder."
                    )
        except OSError as error:
            raise UserError(f"The store {root} cannot be used: {error.strerror}.") from None
        except (ValueError, AttributeError, RecursionError):
            raise UserError(f"{self._marker} is damaged; give --store another folder.") from None

    @classmethod
    def of(cls, place: str | Path | Store) -> Store:
        """The store in a folder; a store is returned as it is."""
        return place if isinstance(place, Store) else cls(place)

    @property
    def _marker(self) -> Path:
        return self.root / "store.json"

    def _holds_other_things(self) -> bool:
        found = any(not path.name.startswith(STAGING_PREFIX) for path in self.root.iterdir())
        # List before checking the marker: creators write it first.
        return found and not self._marker.exists()

    def _what_is_missing(self) -> str:
        if any(self.root.glob("*/run.json")):
            line = json.dumps({"format_version": FORMAT_VERSION})
            return (
                f"{self.root} holds runs, and its {self._marker.name} is missing; put it back "
                f"(one line, {line}), or give --store a new or empty folder."
            )
        return (
            f"{self.root} is a folder of other things (it has no {self._marker.name}); give "
            "--store a new or empty one."
        )

    def _claim(self) -> None:
        """Makes the folder a store, before anything else is written to it."""
        if not self._marker.exists():
            write_atomically(self._marker, json.dumps({"format_version": FORMAT_VERSION}) + "\n")

    def data_folder(self) -> Path:
        """The folder to write encoded data to; it need not be there yet."""
        self._claim()
        return self.data_place

    @property
    def data_place(self) -> Path:
        """Where encoded data are, if there are any; nothing is made."""
        return self.root / "data"

    def find(self, key: str) -> Run | None:
        """The finished run with that key; None if the store lacks it."""
        folder = self.root / key
        return Run(key, folder) if folder.is_dir() else None

    def runs(self) -> pd.DataFrame:
        """A table with one row for each finished run.

        Columns: ``key``; ``dataset``, ``model``; ``mask`` and ``init``: the kinds of their specs;
        ``sparsity`` (fraction pruned, of all prunable weights); ``validation_accuracy`` and
        ``test_accuracy`` (fractions); ``epochs``; ``seconds`` (of the training); ``bytes``;
        ``arithmetic``: what the last digits depend on; ``version``: of the tflottery that trained
        the run.

        Raises:
            DamagedFileError: a run is damaged.
        """
        return inventory.table(self.root)

    def open(self, key: str) -> Run:
        """The run whose key begins with those digits.

        Raises:
            UserError: there is none, or more than one.
        """
        return inventory.find_one(self.root, key)

    @property
    def size(self) -> int:
        """Bytes on disk, with encoded data and results of experiments."""
        return size_of(self.root)

    def unneeded(self, tickets: str | Path | None = "tickets") -> list[str]:
        """Keys of the runs that nothing needs.

        A run is needed if a study, a transfer or a learning-rate search in this store names it, or
        a ticket does; its ancestors are needed too.

        Args:
            tickets: a ticket, or a folder of tickets; None for no tickets.

        Raises:
            UserError: a ticket cannot be read.
        """
        return inventory.unneeded(self.root, None if tickets is None else Path(tickets))

    def delete(self, keys: str | Iterable[str]) -> int:
        """Deletes runs; returns how many bytes were freed.

        Args:
            keys: keys of runs, or their first digits.

        Raises:
            UserError: there is no such run, or another run in the store was made from it.
        """
        freed = 0
        keys = [keys] if isinstance(keys, str) else keys
        for run in inventory.deletable(self.root, keys):
            with self.lock(run.key):
                if self.find(run.key) is not None:  # another process may have deleted it meanwhile
                    freed += run.size
                    remove_folder(run.folder)
        return freed

    def _repr_html_(self) -> str:
        table = self.runs()
        sentence = f"{len(table)} runs in {self.root}/, {self.size / 1e6:.0f} MB"
        return as_html(sentence, table.drop(columns=["version"]))

    def __repr__(self) -> str:
        return f"<Store: {self.root}>"

    def write(self, spec: RunSpec, trained: Trained, replaced: Run | None = None) -> Run:
        """Writes a finished training, whole or not at all; the caller holds the run's lock.

        Args:
            spec: what was trained.
            trained: the result.
            replaced: the earlier run of the same key, if it ended with other bits because of
                another arithmetic.
        """
        folder = self.root / spec.key
        for half in self.root.glob(f"{STAGING_PREFIX}{spec.key}-*"):
            shutil.rmtree(half, ignore_errors=True)
        with new_folder(folder) as staging:
            files = {MASKS: write_arrays(staging / MASKS, mask_ops.pack(trained.masks))}
            for step, arrays in trained.snapshots.items():
                files[f"{step}.npz"] = write_arrays(staging / f"{step}.npz", arrays)
            kept = {}
            if trained.logits:
                arrays = predictions.to_arrays(trained.logits, trained.labels)
                kept["predictions"] = write_arrays(staging / PREDICTIONS, arrays)
            if trained.moves:
                kept["moves"] = write_arrays(staging / MOVES, moves.to_arrays(trained.moves))
            if trained.scales:
                kept["scales"] = write_arrays(staging / SCALES, trained.scales)
            payload = {
                "format_version": FORMAT_VERSION,
                "key": spec.key,
                "spec": spec.canonical,
                "dataset": spec.recipe.data.dataset,
                **origin_of(spec.recipe.model),
                "prunable": {name: list(mask.shape) for name, mask in trained.masks.items()},
                "metrics": trained.metrics,
                "history": trained.history,
                "seconds": trained.seconds,
                "versions": versions(),
                "arithmetic": arithmetic.current().to_record(),
                **({"replaced": _about(replaced)} if replaced else {}),
                "files": files,
                **kept,
            }
            (staging / "run.json").write_text(seal(payload), encoding="utf-8")
        return Run(spec.key, folder)

    def add_predictions(
        self, key: str, logits: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray]
    ) -> None:
        """Adds its predictions to a run that was made before they were kept; does nothing where the
        run has them by now, or is gone.

        Args:
            key: of the run; this takes its lock.
            logits: float32 [texts, units] by split.
            labels: int32 [texts] by split.

        Raises:
            OSError: the store cannot be written.
        """
        with self.lock(key):
            run = self.find(key)
            if run is None or "predictions" in run.record:
                return
            for half in run.folder.glob(f"{STAGING_PREFIX}*"):
                half.unlink()
            content = io.BytesIO()
            archives.save(content, predictions.to_arrays(logits, labels))
            # The arrays first: as long as the record does not name them, nobody reads them.
            write_atomically(run.folder / PREDICTIONS, content.getvalue())
            record = {**run.record, "predictions": sha256_of_bytes(content.getvalue())}
            write_atomically(run.folder / "run.json", seal(record))

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Holds the lock of a run while it is trained; waits while another process holds it."""
        self._claim()
        path = self.root / "locks" / key
        path.parent.mkdir(exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
