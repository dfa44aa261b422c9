"""Runs the notebooks of this folder from top to bottom and keeps what they print and draw.

python notebooks/run.py              all of them, in place
python notebooks/run.py NAME ...     some of them
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent
# What a cell may take; a notebook as a whole stays under two minutes.
_SECONDS_A_CELL = 300


def run(path: Path) -> nbformat.NotebookNode:
    """The notebook with its outputs, run in an empty folder.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell ends in an error.
    """
    book = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as sockets:
        # Sockets of this machine alone: no port is open meanwhile.
        kernel = KernelManager(kernel_name="python3", transport="ipc", ip=f"{sockets}/kernel")
        client = NotebookClient(
            book,
            km=kernel,
            timeout=_SECONDS_A_CELL,
            resources={"metadata": {"path": folder}},
            # Times of the machine that ran it are no part of a notebook.
            record_timing=False,
        )
        try:
            client.execute()
        finally:
            kernel.shutdown_kernel(now=True)
    for cell in book.cells:
        # Standard error has what TensorFlow says of the machine.
        cell.get("outputs", [])[:] = [one for one in cell.get("outputs", []) if not _is_error(one)]
    return book


def _is_error(output: nbformat.NotebookNode) -> bool:
    return bool(output.get("name") == "stderr")


def names() -> list[str]:
    """The notebooks of this folder."""
    return sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def main() -> None:
    """Runs the notebooks that are named, or all."""
    for name in sys.argv[1:] or names():
        path = FOLDER / f"{name}.ipynb"
        book = run(path)
        nbformat.write(book, path)
        print(f"{path.name}: {sum(cell.cell_type == 'code' for cell in book.cells)} cells")


if __name__ == "__main__":
    main()
