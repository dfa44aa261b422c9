"""The raw texts of a split, dealt out as training deals them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from tflottery import activity
from tflottery.data.reading.source import Example, Source
from tflottery.data.settings import DataSettings
from tflottery.data.splitting import divide, equal_texts
from tflottery.data.splitting import division as division_of
from tflottery.errors import UserError

SPLITS = ("train", "validation", "test")
ALL = "all"


class HeldOut:
    """Texts of one split, whether the source has it or training holds it out.

    Attributes:
        is_given: whether the source has the split.
        count: texts.

    Args:
        source: labelled texts, to train on or not.
        settings: how training deals them out.
        split: ``train``, ``validation``, ``test``, or ``all`` for every text.

    Raises:
        UserError: there is no such split, and none can be held out.
    """

    def __init__(self, source: Source, settings: DataSettings, split: str) -> None:
        self._source, self._split = source, split
        if split not in (*SPLITS, ALL):
            raise UserError(f"--split is {', '.join(SPLITS)} or {ALL}, not {split!r}.")
        self._chosen: np.ndarray | None = None
        self.is_given = split == ALL or (split != "train" and split in source.splits)
        if self.is_given:
            self.count = sum(source.size(one) for one in self._splits)
            return
        if "train" not in source.splits:
            has = f"texts of {' and '.join(source.splits)} alone" if source.splits else "no texts"
            raise UserError(
                f"{source.name} has {has}: none of {split}, and none that some could be held out "
                "of."
            )
        with activity.doing("looking for equal texts"):
            own = dataclasses.replace(settings, division=division_of(source, settings))
            labels, groups, _ = equal_texts(source, own)
            alike = None if own.division == 1 else groups
            division = divide(labels, source.splits, own, source.classes, alike)
        rows = getattr(division, split)
        self._chosen = np.zeros(len(labels), bool)
        self._chosen[rows] = True
        self.count = len(rows)

    @property
    def _splits(self) -> tuple[str, ...]:
        return tuple(self._source.splits) if self._split == ALL else (self._split,)

    def __iter__(self) -> Iterator[Example]:
        """Raw UTF-8 text and label, always in the same order."""
        if self._chosen is None:
            for split in self._splits:
                yield from self._source.examples(split)
            return
        for is_chosen, example in zip(self._chosen, self._source.examples("train"), strict=True):
            if is_chosen:
                yield example
