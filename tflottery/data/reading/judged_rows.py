"""The rows of a table, judged: what is kept of each, and what is said of those that are no use."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from tflottery import activity
from tflottery.data.reading import labels
from tflottery.data.reading.bad_rows import BadRows, Places, counted
from tflottery.data.reading.records import (
    BLANK,
    NO_SPLIT,
    SPLITS,
    SURROGATE,
    Block,
    Fault,
    Item,
    Record,
    Remarks,
    Suspect,
    label_of,
    shown,
    split_of,
    text_of,
)
from tflottery.data.settings import DataSettings
from tflottery.data.words.numbered_texts import NumberedTexts
from tflottery.errors import UserError

LEFT_OUT = -1
DIGEST = 32
# As the names of splits stand in most tables.
_SPLIT_CODES = {name.encode(): number for number, name in enumerate(SPLITS)}


class Reader(Protocol):
    """The rows of a table, the same each time that it is iterated. ``unit`` is what a place is
    called: line, row, item; empty where places name themselves.

    A reader may have ``blocks``, which gives the same rows, some of them as a ``Block``.
    """

    unit: str

    def __iter__(self) -> Iterator[Item | Suspect]: ...


@dataclass
class Judged:
    """What is kept of rows in memory: split, label and digest, none of their texts.

    ``labels`` are spellings by number, ``spelled`` says which; -1 where a row is left out.
    ``numbered``: the texts as numbers of words, where they could be numbered on the way.
    ``text_rows``: int64 [texts], which row each of those is.
    """

    splits: bytearray = field(default_factory=bytearray)
    labels: array[int] = field(default_factory=lambda: array("i"))
    digests: bytearray = field(default_factory=bytearray)
    spelled: dict[str, int] = field(default_factory=dict)
    numbered: NumberedTexts | None = None
    text_rows: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    def rows(self) -> np.ndarray:
        """int [rows]: the split of each row, -1 where it is left out."""
        splits = np.frombuffer(bytes(self.splits), np.uint8).astype(np.int16)
        return np.where(np.asarray(self.labels) == LEFT_OUT, -1, splits)

    def digest(self, row: int) -> bytes:
        """The SHA-256 of a row's text."""
        return bytes(self.digests[row * DIGEST : (row + 1) * DIGEST])


@dataclass
class _Seen:
    """What is told of rows that are read."""

    blank: int = 0
    halves: Places = field(default_factory=Places)
    without_split: Places = field(default_factory=Places)
    with_split: bool = False


def judge(where: str, reader: Reader, settings: DataSettings, remarks: Remarks) -> Judged:
    """Judges every row of a table, in one pass.

    Args:
        where: the table, for messages.
        reader: its rows.
        settings: how they are read.
        remarks: takes what was assumed or left out.

    Raises:
        UserError: rows cannot be read; the message names their places.
    """
    return _Judge(where, reader, settings, remarks).all()


class _Judge:
    def __init__(
        self, where: str, reader: Reader, settings: DataSettings, remarks: Remarks
    ) -> None:
        self._where, self._reader, self._settings = where, reader, settings
        self._remarks = remarks
        self._judged = Judged(numbered=NumberedTexts() if settings.wording.is_plain else None)
        self._named = {name: name for name in settings.classes}
        self._labels_seen: dict[str, tuple[str, str]] = {}
        self._codes: dict[bytes, int] = {}
        self._suspects: list[tuple[int, Suspect]] = []

    def all(self) -> Judged:
        bad = BadRows(self._where, self._reader.unit)
        seen = _Seen()
        blocks = getattr(self._reader, "blocks", None)
        for item in self._reader if blocks is None else blocks():
            if isinstance(item, Block):
                self._judge_block(item, bad, seen)
            else:
                self._judge_item(item, bad, seen)
            activity.advance(len(item) if isinstance(item, Block) else 1)
        self._number([], is_last=True)
        codes = np.asarray(self._judged.labels)
        self._judged.text_rows = np.flatnonzero(codes != LEFT_OUT)
        self._judge_suspects(bad)
        if seen.blank:
            self._remarks.add(f"{self._where}: {counted(seen.blank, 'empty row')} left out.")
        if seen.halves.count:
            self._remarks.add(
                f"{self._where}: {seen.halves.words(self._reader.unit)} half a character (a lone "
                "surrogate, as where an emoji was cut), which is read as a space."
            )
        if seen.with_split and seen.without_split.count:
            self._remarks.add(
                f"{self._where}: {seen.without_split.words(self._reader.unit)} no split, and "
                "counts as train."
            )
        if bad.lines and not self._settings.skip_bad:
            raise UserError(bad.message())
        if bad.lines:
            self._remarks.add(bad.remark())
        return self._judged

    def _judge_item(self, item: Item | Suspect, bad: BadRows, seen: _Seen) -> None:
        if isinstance(item, Suspect):
            self._suspects.append((len(self._judged.labels), item))
            item = item.record
        if isinstance(item, Fault):
            seen.blank += item.what == BLANK
            if item.what != BLANK:
                bad.add(item)
            self._keep(None)
            return
        judged = self._judge_record(item)
        if isinstance(judged, Fault):
            bad.add(judged)
            self._keep(None)
            return
        if isinstance(item.text, str) and not item.text.isascii():
            seen.halves.add(item.place, SURROGATE.search(item.text) is not None)
        seen.without_split.add(item.place, item.split is NO_SPLIT)
        seen.with_split = seen.with_split or item.split is not NO_SPLIT
        self._keep(judged)

    def _judge_block(self, block: Block, bad: BadRows, seen: _Seen) -> None:
        """What ``_judge_item`` does with each row, where nothing is wrong with any."""
        judged, codes = self._judged, self._codes
        labels_of_block = [codes.get(label, LEFT_OUT) for label in block.labels]
        splits = [0] * len(block)
        if block.splits is not None:
            splits = [_SPLIT_CODES.get(split, LEFT_OUT) for split in block.splits]
        if LEFT_OUT in labels_of_block or LEFT_OUT in splits:
            suspects = dict(block.suspects)
            for row in range(len(block)):
                item = suspects.get(row) or block.record(row)
                kept = len(judged.labels)
                self._judge_item(item, bad, seen)
                if judged.labels[kept] != LEFT_OUT:
                    self._codes[block.labels[row]] = judged.labels[kept]
            return
        first = len(judged.labels)
        self._suspects += [(first + row, suspect) for row, suspect in block.suspects]
        seen.with_split = seen.with_split or block.splits is not None
        if block.splits is None:
            seen.without_split.add_many(block.places)
        judged.splits.extend(splits)
        judged.labels.extend(labels_of_block)
        sha256 = hashlib.sha256
        judged.digests.extend(b"".join([sha256(text).digest() for text in block.texts]))
        self._number(block.texts)

    def _number(self, texts: Sequence[bytes], is_last: bool = False) -> None:
        if self._judged.numbered is not None:
            self._judged.numbered.add(texts)
            if is_last:
                self._judged.numbered.flush()
            if self._judged.numbered.is_given_up:
                self._judged.numbered = None

    def _keep(self, row: tuple[bytes, str, str] | None) -> None:
        judged = self._judged
        if row is None:
            judged.splits.append(0)
            judged.labels.append(LEFT_OUT)
            judged.digests.extend(bytes(DIGEST))
            return
        text, label, split = row
        judged.splits.append(SPLITS.index(split))
        judged.labels.append(judged.spelled.setdefault(label, len(judged.spelled)))
        judged.digests.extend(hashlib.sha256(text).digest())
        self._number([text])

    def _judge_record(self, record: Record) -> tuple[bytes, str, str] | Fault:
        text, what = text_of(record.text)
        if what:
            return Fault(record.place, what, _FILL)
        label, what = self._judge_label(record.label)
        if what:
            mend = _MISSING if "stands for" in what else _FILL
            return Fault(record.place, what, mend)
        if self._settings.classes and label not in self._named:
            self._named[label] = _folded_into(label, self._settings)
        if self._settings.classes:
            label = self._named[label]
            if not label:
                return Fault(
                    record.place,
                    f"the label {shown(labels.trimmed(str(record.label)))!r} is not in "
                    "data.classes",
                    "Add it there, or delete the line.",
                )
        split = "train" if record.split is NO_SPLIT else split_of(record.split)
        if split is None:
            return Fault(
                record.place,
                f"the split is {shown(record.split)!r}; it is 'train', 'validation' or 'test'",
                'Mend it, or read no such column with --set data.split_column="".',
            )
        return utf8(text), label, split

    def _judge_label(self, value: object) -> tuple[str, str]:
        """The trimmed label, and what is wrong with it (or an empty text)."""
        if isinstance(value, str) and (known := self._labels_seen.get(value)):
            return known
        label, what = label_of(value)
        if not what:
            label = labels.trimmed(label)
            what = labels.fault_of(label, self._settings.labels)
        if isinstance(value, str):
            self._labels_seen[value] = label, what
        return label, what

    def _judge_suspects(self, bad: BadRows) -> None:
        certain = Counter(self._judged.labels)
        for row, _ in self._suspects:
            certain[self._judged.labels[row]] -= 1
        known = {word for word, code in self._judged.spelled.items() if certain[code] > 0}
        for row, suspect in self._suspects:
            own = labels.trimmed(str(suspect.record.label))
            found = map(labels.trimmed, suspect.labels)
            if sum(label in known or label == own for label in found) < 2:
                continue
            if self._judged.labels[row] != LEFT_OUT:
                bad.add(suspect.fault)
            self._judged.labels[row] = LEFT_OUT


_FILL = "Fill it or delete the line."
_MISSING = f'{_FILL} Where it is the name of a class, set data.labels="{labels.AS_WRITTEN}".'


def utf8(text: str) -> bytes:
    """UTF-8, with U+FFFD for half a character; two halves in a row are one character."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _folded_into(label: str, settings: DataSettings) -> str:
    """The class of ``data.classes`` that a label is a spelling of, or an empty text."""
    for name in settings.classes:
        try:
            joined = labels.one_class_each({name: 1, label: 1}, settings.labels, "")
        except UserError:
            continue
        if joined[name] == joined[label]:
            return name
    return ""
