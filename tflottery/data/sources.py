"""Where labelled texts come from.

A source is a class with the methods of ``Source`` and a place in ``SOURCES``; the first one that
claims a data set's name opens it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import ClassVar, Protocol

from tflottery.data.settings import DataSettings

Example = tuple[bytes, int]


class Source(Protocol):
    """Labelled texts in a fixed order."""

    caution: ClassVar[str]
    """A line for the user to read beside any result, or empty."""

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
        """``("train", "test")``, or ``("train",)`` where no test split is given."""
        ...

    @classmethod
    def claims(cls, dataset: str) -> bool:
        """Whether ``dataset`` names something this source reads."""
        ...

    def __init__(self, settings: DataSettings) -> None:
        """Opens the data; raises UserError where it cannot be had."""
        ...

    def fingerprint(self) -> str:
        """Equal for equal content, different for different content."""
        ...

    def examples(self, split: str) -> Iterator[Example]:
        """Raw UTF-8 text and label, always in the same order."""
        ...


def open_source(settings: DataSettings) -> Source:
    """Opens the data set that the settings name.

    Raises:
        UserError: no source knows the name, or its data cannot be read.
    """
    from tflottery.data.files_source import FilesSource
    from tflottery.data.tfds_source import TfdsSource
    from tflottery.data.toy import ToySource

    sources: tuple[type[Source], ...] = (ToySource, FilesSource, TfdsSource)
    for source in sources:
        if source.claims(settings.dataset):
            return source(settings)
    raise AssertionError("the last source claims every name")


def identify(settings: DataSettings) -> DataSettings:
    """The settings with the fingerprint of their data filled in."""
    return dataclasses.replace(settings, fingerprint=open_source(settings).fingerprint())
