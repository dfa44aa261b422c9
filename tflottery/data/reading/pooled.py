"""All labelled texts of a source as one split, to be dealt anew."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tflottery.data.reading.source import Example, Source
from tflottery.data.reading.table_source import TableSource

CAUTION = (
    "All labelled texts were pooled and dealt anew (data.split=pooled): what a published split "
    "keeps apart, as reviews of one film, is on both sides now, so accuracies are higher than on "
    "the published test texts."
)


class Pooled:
    """A source whose only split is ``train``: the texts of all its splits, one after the other.

    Args:
        source: what is pooled.
    """

    splits = ("train",)

    def __init__(self, source: Source) -> None:
        self._source = source
        self.name = source.name
        self.classes = source.classes
        self.remarks = tuple(getattr(source, "remarks", ()))
        self.caution = " ".join(filter(None, (source.caution, CAUTION)))

    @property
    def texts(self) -> int:
        return self._source.texts

    def fingerprint(self) -> str:
        """The source's own: that its texts are pooled is a setting, and part of keys as such."""
        return self._source.fingerprint()

    def size(self, split: str) -> int:
        del split
        return sum(self._source.size(own) for own in self._source.splits)

    def examples(self, split: str) -> Iterator[Example]:
        del split
        for own in self._source.splits:
            yield from self._source.examples(own)


class PooledTable(Pooled):
    """The same of a table, whose labels are known before its texts are read again."""

    def __init__(self, source: TableSource) -> None:
        super().__init__(source)
        self._table = source

    def labels(self, split: str) -> np.ndarray:
        """int32 [texts]: the class of each text."""
        del split
        return np.concatenate([self._table.labels(own) for own in self._table.splits])
