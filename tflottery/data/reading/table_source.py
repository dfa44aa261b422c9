"""A table of texts and labels as a source: every row judged before any work begins."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

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
from tflottery.data.reading.source import Example
from tflottery.data.settings import DataSettings
from tflottery.data.words.numbered_texts import NumberedTexts
from tflottery.errors import UserError

_LEFT_OUT = -1
# A column with so many labels, most of them on one text, is a column of ids.
_MANY_CLASSES = 20
_DIGEST = 32
# Rows of which a fingerprint's JSON is made together.
_TOGETHER = 4_096
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
class _Judged:
    """What is kept of a row in memory: split, label and digest, none of its text."""

    splits: bytearray = field(default_factory=bytearray)
    labels: array[int] = field(default_factory=lambda: array("i"))
    digests: bytearray = field(default_factory=bytearray)
    spelled: dict[str, int] = field(default_factory=dict)


@dataclass
class _Seen:
    """What is told of rows that are read."""

    blank: int = 0
    halves: Places = field(default_factory=Places)
    without_split: Places = field(default_factory=Places)
    with_split: bool = False


class TableSource:
    """Judges every row of a table in one pass, then reads the texts again as they are asked for:
    the texts of a large table are never in memory together.

    A row has a text, a label and, where the table has such a column, a split: ``train``;
    ``validation``, ``valid``, ``val`` or ``dev``; ``test``; in any case.
    """

    caution: ClassVar[str] = ""

    def __init__(
        self, name: str, where: str, reader: Reader, settings: DataSettings, remarks: Remarks
    ) -> None:
        self.name = name
        self._where, self._reader, self._settings = where, reader, settings
        self._judged = _Judged()
        self._remarks = remarks
        self._named = {name: name for name in settings.classes}
        self._labels_seen: dict[str, tuple[str, str]] = {}
        self._codes: dict[bytes, int] = {}
        self._suspects: list[tuple[int, Suspect]] = []
        self._numbered = NumberedTexts() if settings.wording.is_plain else None
        self._equal: tuple[np.ndarray, bool] | None = None
        self._fingerprint = ""
        self._judge()
        self._spelled = list(self._judged.spelled)
        self._number_classes()

    @property
    def texts(self) -> int:
        """How many texts there are in all splits."""
        return int((self._rows() >= 0).sum())

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was assumed or left out, a line each."""
        return tuple(self._remarks.lines)

    def fingerprint(self) -> str:
        """The SHA-256 of the canonical JSON of ``{split: [[SHA-256 of text, label], …]}``."""
        if not self._fingerprint:
            self._fingerprint = self._of_content()
        return self._fingerprint

    def _of_content(self) -> str:
        whole = hashlib.sha256()
        encoded = [json.dumps(name, ensure_ascii=False) for name in self._class_of_spelling]
        rows, all_codes = self._rows(), np.asarray(self._judged.labels)
        all_digests = np.frombuffer(self._judged.digests, np.uint8).reshape(-1, _DIGEST)
        for number, split in enumerate(sorted(self.splits)):
            whole.update(f'{"," if number else "{"}"{split}":'.encode())
            whole.update(b"[")
            of_split = np.flatnonzero(rows == SPLITS.index(split))
            for start in range(0, len(of_split), _TOGETHER):
                some = of_split[start : start + _TOGETHER]
                digests, codes = all_digests[some].tobytes().hex(), all_codes[some].tolist()
                listed = ",".join(
                    [
                        f'["{digests[64 * n : 64 * n + 64]}",{encoded[code]}]'
                        for n, code in enumerate(codes)
                    ]
                )
                whole.update(f"{',' if start else ''}{listed}".encode())
            whole.update(b"]")
        whole.update(b"}")
        if self.classes == labels.ordered(set(self.classes)):
            return whole.hexdigest()
        order = json.dumps([whole.hexdigest(), self.classes], ensure_ascii=False)
        return hashlib.sha256(order.encode()).hexdigest()

    def labels(self, split: str) -> np.ndarray:
        """int32 [texts]: the class of each text of a split."""
        rows = self._rows() == SPLITS.index(split)
        return self._number_of_spelling[np.asarray(self._judged.labels)[rows]]

    def size(self, split: str) -> int:
        """Texts of a split."""
        return int(np.count_nonzero(self._rows() == SPLITS.index(split)))

    def numbered(self) -> NumberedTexts | None:
        """The texts as numbers of words, or none where they are to be read for that."""
        return self._numbered

    def release_numbered(self) -> None:
        """Lets go of the numbers of words, which take four bytes a word."""
        self._numbered = None

    def equal_texts(self) -> tuple[np.ndarray, bool] | None:
        """int [texts to train on]: a number that equal texts share, and whether the first has no
        word; none where the texts are to be read for that."""
        if self._equal is None and self._numbered is not None:
            chosen = self.texts_of("train")
            groups = self._numbered.groups()[chosen]
            self._equal = groups - groups.min(), self._numbered.is_wordless(int(chosen[0]))
        return self._equal

    def texts_of(self, split: str) -> np.ndarray:
        """int64 [texts]: which of the numbered texts are those of a split."""
        return np.searchsorted(self._text_rows, np.flatnonzero(self._rows() == SPLITS.index(split)))

    def examples(self, split: str) -> Iterator[Example]:
        """Raw UTF-8 text and label, always in the same order.

        Raises:
            UserError: the data have changed since they were judged.
        """
        wanted, row = SPLITS.index(split), -1
        for item in self._reader:
            row += 1
            if row >= len(self._judged.labels):
                raise self._changed()
            if self._judged.labels[row] == _LEFT_OUT or self._judged.splits[row] != wanted:
                continue
            record = item.record if isinstance(item, Suspect) else item
            if not isinstance(record, Record):
                raise self._changed()
            text = _encoded(text_of(record.text)[0])
            if hashlib.sha256(text).digest() != self._digest(row):
                raise self._changed()
            yield text, int(self._number_of_spelling[self._judged.labels[row]])
        if row + 1 != len(self._judged.labels):
            raise self._changed()

    def _changed(self) -> UserError:
        return UserError(f"{self._where} changed while it was read; start again.")

    def _rows(self) -> np.ndarray:
        """int [rows]: the split of each row, -1 where it is left out."""
        splits = np.frombuffer(bytes(self._judged.splits), np.uint8).astype(np.int16)
        return np.where(np.asarray(self._judged.labels) == _LEFT_OUT, -1, splits)

    def _digest(self, row: int) -> bytes:
        return bytes(self._judged.digests[row * _DIGEST : (row + 1) * _DIGEST])

    def _judge(self) -> None:
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
        self._text_rows = np.flatnonzero(codes != _LEFT_OUT)
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
        labels_of_block = [codes.get(label, _LEFT_OUT) for label in block.labels]
        splits = [0] * len(block)
        if block.splits is not None:
            splits = [_SPLIT_CODES.get(split, _LEFT_OUT) for split in block.splits]
        if _LEFT_OUT in labels_of_block or _LEFT_OUT in splits:
            suspects = dict(block.suspects)
            for row in range(len(block)):
                item = suspects.get(row) or block.record(row)
                kept = len(judged.labels)
                self._judge_item(item, bad, seen)
                if judged.labels[kept] != _LEFT_OUT:
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
        if self._numbered is not None:
            self._numbered.add(texts)
            if is_last:
                self._numbered.flush()
            if self._numbered.is_given_up:
                self._numbered = None

    def _keep(self, row: tuple[bytes, str, str] | None) -> None:
        judged = self._judged
        if row is None:
            judged.splits.append(0)
            judged.labels.append(_LEFT_OUT)
            judged.digests.extend(bytes(_DIGEST))
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
        return _encoded(text), label, split

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
            if self._judged.labels[row] != _LEFT_OUT:
                bad.add(suspect.fault)
            self._judged.labels[row] = _LEFT_OUT

    def _number_classes(self) -> None:
        """Which class each spelling is, and in which order classes come."""
        rule, where = self._settings.labels, self._where
        rows, codes = self._rows(), np.asarray(self._judged.labels)
        counts = {
            split: Counter(codes[rows == number].tolist()) for number, split in enumerate(SPLITS)
        }
        self.splits = tuple(split for split in SPLITS if counts[split])
        total = Counter(codes[rows >= 0].tolist())
        names = labels.one_class_each(
            {self._spelled[code]: count for code, count in total.items()}, rule, where
        )
        self._class_of_spelling = [names.get(word, word) for word in self._spelled]
        self._sizes = {split: self._by_class(counts[split]) for split in self.splits}
        all_classes = {name for sizes in self._sizes.values() for name in sizes}
        self.classes = self._settings.classes or labels.ordered(all_classes)
        number = {name: n for n, name in enumerate(self.classes)}
        self._number_of_spelling = np.array(
            [number.get(name, _LEFT_OUT) for name in self._class_of_spelling], np.int32
        )
        if remark := labels.remark_on(self._sizes.get("train", {})):
            self._remarks.add(f"{where}: {remark}")

    def _by_class(self, counts: Counter[int]) -> dict[str, int]:
        sizes: Counter[str] = Counter()
        for code, count in counts.items():
            sizes[self._class_of_spelling[code]] += count
        return dict(sizes)

    def require_trainable(self) -> None:
        """Makes sure that a classifier can be trained on the texts; to be judged on, texts of one
        class or of a test split alone will do.

        Raises:
            UserError: there are none to train on, or of one class only, or a class is in another
                split alone.
        """
        where, sizes = self._where, self._sizes
        if "train" not in sizes:
            only = f" (all are in the split {self.splits[0]!r})" if self.splits else ""
            raise UserError(f"{where} holds no texts to train on{only}.")
        train = sizes["train"]
        if absent := [name for name in self._settings.classes if name not in train]:
            raise UserError(
                f"{where} has no training text of {labels.few([repr(name) for name in absent])}, "
                "which data.classes names."
            )
        if len(train) < 2:
            raise UserError(
                f"{where} has one class only ({next(iter(train))!r}); a classifier needs two or "
                "more."
            )
        single = sum(count == 1 for count in train.values())
        if len(train) > _MANY_CLASSES and 2 * single > len(train):
            some = labels.few([repr(shown(name)) for name in labels.ordered(set(train))])
            raise UserError(
                f"{where} has {len(train):,} classes ({some}), {single:,} of them with one text "
                "only: these are ids or numbers, no classes. Name the column of the labels with "
                "--set data.label_column=NAME."
            )
        for split, counts in sizes.items():
            if unknown := [name for name in labels.ordered(set(counts)) if name not in train]:
                named = labels.few([f"{name!r} ({counts[name]:,} texts)" for name in unknown])
                raise UserError(
                    f"{where}: the class{'es' * (len(unknown) > 1)} {named} "
                    f"{'are' if len(unknown) > 1 else 'is'} in the {split} split only. Add such "
                    "texts to train, or delete those."
                )


_FILL = "Fill it or delete the line."
_MISSING = f'{_FILL} Where it is the name of a class, set data.labels="{labels.AS_WRITTEN}".'


def _encoded(text: str) -> bytes:
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
