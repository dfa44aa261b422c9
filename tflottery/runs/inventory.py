"""What a store holds: its runs as a table, their parents, and which runs nothing needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tflottery.errors import UserError
from tflottery.files import check_file, read_sealed
from tflottery.runs.run import Run

if TYPE_CHECKING:
    import pandas as pd

Read = TypeVar("Read")

_KEY_DIGITS = 64
_COLUMNS = (
    "key", "dataset", "model", "mask", "init", "sparsity", "validation_accuracy", "test_accuracy",
    "epochs", "seconds", "bytes", "arithmetic", "version",
)  # fmt: skip


def table(root: Path) -> pd.DataFrame:
    """See ``Store.runs``."""
    import pandas as pd

    rows = [row for _, row in _of_each(root, _row)]
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def every_run(root: Path) -> Iterator[Run]:
    """The finished runs of the store in a folder, by key."""
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        if len(folder.name) == _KEY_DIGITS and folder.is_dir():
            yield Run(folder.name, folder)


def _of_each(root: Path, read: Callable[[Run], Read]) -> Iterator[tuple[Run, Read]]:
    """The runs of a store with what is read of each, without those that another process deletes
    meanwhile."""
    for run in every_run(root):
        try:
            found = read(run)
        except (UserError, OSError):
            if run.folder.is_dir():
                raise
        else:
            yield run, found


def _row(run: Run) -> dict[str, Any]:
    record = run.record
    spec = record["spec"]
    total = sum(_size(shape) for shape in record["prunable"].values())
    remaining = sum(int(mask.sum()) for mask in run.masks().values())
    return {
        "key": run.key,
        "dataset": record["dataset"],
        "model": str(spec["recipe"]["model"]["kind"]).lower(),
        "mask": spec["mask"]["kind"],
        "init": spec["init"]["kind"],
        "sparsity": 1 - remaining / total if total else 0.0,
        "validation_accuracy": run.metrics["val_accuracy"],
        "test_accuracy": run.metrics["test_accuracy"],
        "epochs": run.metrics["epochs"],
        "seconds": run.seconds,
        "bytes": run.size,
        "arithmetic": str(run.arithmetic or "not recorded"),
        "version": record["versions"]["tflottery"],
    }


def _size(shape: Iterable[int]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def find_one(root: Path, key: str) -> Run:
    """See ``Store.open``."""
    found = [run for run in every_run(root) if run.key.startswith(key)] if key else []
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(f"{len(found)} runs of {root} begin with {key!r}; give more digits.")
    raise UserError(f"{root} holds no run whose key begins with {key!r}.")


def parents(run: Run) -> set[str]:
    """The keys of the runs that a run was made from."""
    return set(_named(run.record["spec"]))


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if set(value) == {"run"}:
            yield str(value["run"])
        for item in value.values():
            yield from _named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)


def unneeded(root: Path, tickets: Path | None) -> list[str]:
    """See ``Store.unneeded``."""
    parents_of = {run.key: made_from for run, made_from in _of_each(root, parents)}
    waiting = [*_of_results(root), *(_of_tickets(tickets) if tickets else ())]
    needed: set[str] = set()
    while waiting:
        key = waiting.pop()
        if key not in needed:
            needed.add(key)
            waiting += parents_of.get(key, ())
    return [key for key in parents_of if key not in needed]


def _of_results(root: Path) -> Iterator[str]:
    """The keys in the result tables of experiments, whichever they are: a column ``key``."""
    import pandas as pd

    for folder in sorted({file.parent for file in root.glob("[!.]*/[!.]*/*.csv")}):
        for name, checksum in _checksums(folder).items():
            check_file(folder / name, checksum)
        for file in sorted(folder.glob("*.csv")):
            try:
                frame = pd.read_csv(file, dtype=str, keep_default_na=False)
            except (OSError, ValueError):  # also of bytes that are no text, and of no columns
                raise _unread(file) from None
            if "key" in frame:
                yield from frame["key"]


def _checksums(folder: Path) -> dict[str, str]:
    """Of the files beside the sealed documents of a folder; those of earlier versions name none."""
    found: dict[str, str] = {}
    for file in sorted(folder.glob("*.json")):
        try:
            about = json.loads(file.read_bytes())
            version, sums = about["format_version"], about.get("files", {})
            found |= {str(name): str(checksum) for name, checksum in sums.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise _unread(file) from None
        read_sealed(file, what="result", format_version=version)
    return found


def _unread(file: Path) -> UserError:
    return UserError(f"{file} cannot be read, so nothing is known of its runs.")


def _of_tickets(folder: Path) -> Iterator[str]:
    """The keys that a ticket, or the tickets in a folder, refer to."""
    for file in [*folder.glob("ticket.json"), *folder.glob("[!.]*/ticket.json")]:
        try:
            about = json.loads(file.read_bytes())
            version = about["format_version"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            raise _unread(file) from None
        about = read_sealed(file, what="ticket", format_version=version)
        named = (f"{name}run_key" for name in ("", "dense_", "reinit_"))
        yield from (about[name] for name in named if name in about)
        yield from (row["run_key"] for row in about.get("rounds", ()))
        for row in about.get("by_seed", ()):
            yield from (row[f"{name}_run_key"] for name in ("dense", "ticket", "reinit"))


def deletable(root: Path, keys: Iterable[str]) -> list[Run]:
    """The runs that begin with the keys, if no other run was made from one of them.

    Raises:
        UserError: there is no such run, or another one in the store was made from it.
    """
    chosen = {run.key: run for run in (find_one(root, key) for key in keys)}
    for run, made_from in _of_each(root, lambda run: set() if run.key in chosen else parents(run)):
        if needed := made_from & set(chosen):
            raise UserError(
                f"The run {run.key[:12]} was made from {min(needed)[:12]}; delete that one too, or "
                "keep both."
            )
    return [chosen[key] for key in sorted(chosen)]
