"""What a source of labelled texts is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from tflottery.data.settings import DataSettings
from tflottery.registry import Registry

Example = tuple[bytes, int]


class Source(Protocol):
    """Labelled texts in a fixed order."""

    @property
    def caution(self) -> str:
        """A line for the user to read beside any result, or empty."""
        ...

    @property
    def name(self) -> str:
        """Short, for tables and folder names."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names by label."""
        ...

    @property
    def splits(self) -> tuple[str, ...]:
        """``train``, and ``validation`` and ``test`` where they are given."""
        ...

    @property
    def texts(self) -> int:
        """How many texts there are in all splits; 0 where only reading them tells."""
        ...

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was assumed or left out in reading, a line each for the user."""
        ...

    def fingerprint(self) -> str:
        """Equal for equal content, different for different content."""
        ...

    def size(self, split: str) -> int:
        """Texts of a split, counted without reading them."""
        ...

    def examples(self, split: str) -> Iterator[Example]:
        """Raw UTF-8 text and label, always in the same order."""
        ...


class Opened(Source, Protocol):
    """A source that the settings open by the name of a data set."""

    @classmethod
    def claims(cls, dataset: str) -> bool:
        """Whether ``dataset`` names something this source reads."""
        ...

    @classmethod
    def named(cls, dataset: str) -> str:
        """What data of that name are called, or empty where only opening them tells."""
        ...

    def __init__(self, settings: DataSettings) -> None:
        """Opens the data; raises UserError where it cannot be had."""
        ...


REGISTERED: Registry[type[Opened]] = Registry("source")
"""Sources that were registered (``register_source``), by the name that ``data.dataset`` gives."""
