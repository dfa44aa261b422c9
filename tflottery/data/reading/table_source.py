"""A table of texts and labels as a source, of which every row is judged before any work begins."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from tflottery.data.reading import labels
from tflottery.data.reading.judged_rows import DIGEST, LEFT_OUT, Reader, judge, utf8
from tflottery.data.reading.records import SPLITS, Record, Remarks, Suspect, shown, text_of
from tflottery.data.reading.source import Example
from tflottery.data.settings import DataSettings
from tflottery.data.words.numbered_texts import NumberedTexts
from tflottery.errors import UserError

# A column with so many labels, most of them on one text, is a column of ids.
_MANY_CLASSES = 20
# Rows of which a fingerprint's JSON is made together.
_TOGETHER = 4_096


class TableSource:
    """Has every row of a table judged in one pass, then reads the texts again as they are asked
    for: the texts of a large table are never in memory together.

    A row has a text, a label and, where the table has such a column, a split: ``train``;
    ``validation``, ``valid``, ``val`` or ``dev``; ``test``; in any case.
    """

    caution: ClassVar[str] = ""

    def __init__(
        self, name: str, where: str, reader: Reader, settings: DataSettings, remarks: Remarks
    ) -> None:
        self.name = name
        self._where, self._reader, self._settings = where, reader, settings
        self._remarks = remarks
        self._equal: tuple[np.ndarray, bool] | None = None
        self._fingerprint = ""
        self._judged = judge(where, reader, settings, remarks)
        self._spelled = list(self._judged.spelled)
        self._number_classes()

    @property
    def texts(self) -> int:
        """How many texts there are in all splits."""
        return int((self._judged.rows() >= 0).sum())

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
        rows, all_codes = self._judged.rows(), np.asarray(self._judged.labels)
        all_digests = np.frombuffer(self._judged.digests, np.uint8).reshape(-1, DIGEST)
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
        rows = self._judged.rows() == SPLITS.index(split)
        return self._number_of_spelling[np.asarray(self._judged.labels)[rows]]

    def size(self, split: str) -> int:
        """Texts of a split."""
        return int(np.count_nonzero(self._judged.rows() == SPLITS.index(split)))

    def numbered(self) -> NumberedTexts | None:
        """The texts as numbers of words, or none where they are to be read for that."""
        return self._judged.numbered

    def release_numbered(self) -> None:
        """Lets go of the numbers of words, which take four bytes a word."""
        self._judged.numbered = None

    def equal_texts(self) -> tuple[np.ndarray, bool] | None:
        """int [texts to train on]: a number that equal texts share, and whether the first has no
        word; none where the texts are to be read for that."""
        if self._equal is None and self._judged.numbered is not None:
            chosen = self.texts_of("train")
            groups = self._judged.numbered.groups()[chosen]
            self._equal = groups - groups.min(), self._judged.numbered.is_wordless(int(chosen[0]))
        return self._equal

    def texts_of(self, split: str) -> np.ndarray:
        """int64 [texts]: which of the numbered texts are those of a split."""
        rows = np.flatnonzero(self._judged.rows() == SPLITS.index(split))
        return np.searchsorted(self._judged.text_rows, rows)

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
            if self._judged.labels[row] == LEFT_OUT or self._judged.splits[row] != wanted:
                continue
            record = item.record if isinstance(item, Suspect) else item
            if not isinstance(record, Record):
                raise self._changed()
            text = utf8(text_of(record.text)[0])
            if hashlib.sha256(text).digest() != self._judged.digest(row):
                raise self._changed()
            yield text, int(self._number_of_spelling[self._judged.labels[row]])
        if row + 1 != len(self._judged.labels):
            raise self._changed()

    def _changed(self) -> UserError:
        return UserError(f"{self._where} changed while it was read; start again.")

    def _number_classes(self) -> None:
        """Which class each spelling is, and in which order classes come."""
        rule, where = self._settings.labels, self._where
        rows, codes = self._judged.rows(), np.asarray(self._judged.labels)
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
            [number.get(name, LEFT_OUT) for name in self._class_of_spelling], np.int32
        )
        if remark := labels.remark_on(self._sizes.get("train", {})):
            self._remarks.add(f"{where}: {remark}")

    def _by_class(self, counts: Counter[int]) -> dict[str, int]:
        sizes: Counter[str] = Counter()
        for code, count in counts.items():
            sizes[self._class_of_spelling[code]] += count
        return dict(sizes)

    def require_trainable(self, *, pooled: bool = False) -> None:
        """Makes sure that a classifier can be trained on the texts; to be judged on, texts of one
        class or of a test split alone will do.

        Args:
            pooled: whether all texts are dealt anew, whichever split they come from.

        Raises:
            UserError: there are none to train on, or of one class only, or a class is in another
                split alone.
        """
        where, sizes = self._where, self._sizes
        if pooled and sizes:
            sizes = {"train": dict(sum(map(Counter, sizes.values()), Counter[str]()))}
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
