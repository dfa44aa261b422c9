"""What was found of a file beside the SavedModel."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Beside:
    """A file beside the SavedModel.

    ``format``: its name; ``file``: its path in the version's folder; ``bytes``: its size.
    ``difference``: between its scores and the Python model's, the largest; ``accuracy`` and
    ``python_accuracy``: fractions, on the test texts. These are None where the file has tensors and
    no scores, and accuracies where the ticket's data could not be had. ``texts``: how many were
    compared.
    """

    format: str
    file: str
    bytes: int
    texts: int = 0
    difference: float | None = None
    accuracy: float | None = None
    python_accuracy: float | None = None

    @property
    def sentence(self) -> str:
        """What was found, with the file's name and size."""
        size = f"{self.file}, {self.bytes / 1000:,.0f} kB"
        if self.difference is None:
            return f"{size}: every tensor is the ticket's, bit for bit."
        within = f"within {self.difference:.0e} of the Python model's"
        if self.accuracy is None or self.python_accuracy is None:
            return f"{size}: scores of {self.texts:,} texts {within}."
        return (
            f"{size}: scores of all {self.texts:,} test texts {within}; accuracy "
            f"{100 * self.accuracy:.2f} % (Python model: {100 * self.python_accuracy:.2f} %)."
        )
