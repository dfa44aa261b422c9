"""Sources of one's own: a function that gives labelled texts, or a class with more to say."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar, cast

from tflottery.data.reading import memory
from tflottery.data.reading.judged_rows import utf8
from tflottery.data.reading.records import SPLITS, Remarks, shown, split_of
from tflottery.data.reading.source import REGISTERED, Example, Opened
from tflottery.data.reading.table_source import TableSource
from tflottery.data.reading.tfds_source import ALIASES
from tflottery.data.settings import DataSettings
from tflottery.errors import OF_OTHERS, TflotteryError, UserError, in_a_line, suggest
from tflottery.registry import of_file

F = TypeVar("F", bound=Callable[..., Any])
# The package's own names; these stay what they are.
_TAKEN = ("toy", *ALIASES)
# What a class has to have; all else has a default.
_NEEDED = ("classes", "splits", "examples")


def register_source(name: str) -> Callable[[F], F]:
    """Registers where labelled texts come from, under a name for ``--dataset``.

    >>> import tflottery as tfl
    >>> @tfl.register_source("mails")                               # doctest: +SKIP
    ... def mails():
    ...     texts, labels = read_mails()
    ...     return texts, labels
    >>> tfl.find_ticket("mails")                                    # doctest: +SKIP

    A function takes no argument and gives what ``find_ticket`` takes as data, a DataFrame or
    (texts, labels), or an iterator over (text, label), or a mapping of such by split: ``train``,
    and ``validation`` and ``test`` where there are any. It may be called several times, and gives
    the same each time.

    A class has ``classes`` (names by label), ``splits`` (of ``train``, ``validation``, ``test``)
    and ``examples(split)``, an iterator over (text, label number), the same each time. It is made
    with the settings of ``[data]``. It may have what else a
    ``tflottery.data.reading.source.Source`` has: ``fingerprint()``, by default of its content;
    ``size(split)``, ``texts``, ``remarks``, ``caution``.

    Equal content is one data set, whatever gives it, so that its trainings are shared; with other
    content they are others.

    Args:
        name: what ``--dataset`` takes; a file or folder of that name is then ``./name``.

    Raises:
        UserError: another function has the name, it is no name, or a class lacks something.
    """
    REGISTERED.check_name(name)
    if name in _TAKEN:
        raise UserError(
            f"There is a source {name!r} already, of tflottery itself; choose another name."
        )

    def register(given: F) -> F:
        if isinstance(given, type):
            if missing := [one for one in _NEEDED if not hasattr(given, one)]:
                raise UserError(
                    f"The source {name!r} lacks {', '.join(missing)}; a class of a source has "
                    f"{', '.join(_NEEDED)}."
                )
            made = _of_class(name, given)
        else:
            made = _of_function(name, given)
        REGISTERED.add(name, given, made)
        return given

    return register


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Tells what fails in a source as the mistake of whoever wrote it."""
    try:
        yield
    except (TflotteryError, OSError) as error:
        if isinstance(error, TflotteryError):
            raise
        raise _failed(name, error) from error
    except OF_OTHERS as error:
        raise _failed(name, error) from error


def _failed(name: str, error: BaseException) -> UserError:
    is_theirs = of_file(REGISTERED.registered(name)) if name in REGISTERED else None
    return UserError(f"The source {name!r} failed: {in_a_line(error, is_theirs)}.")


def _of_function(source_name: str, function: Callable[[], Any]) -> type[Opened]:
    class FunctionSource(TableSource):
        """What a registered function gives, judged row by row as every table is."""

        def __init__(self, settings: DataSettings) -> None:
            with _told(source_name):
                given = _parts(source_name, function())
                parts = {split: _whole(source_name, part) for split, part in given.items()}
            where = f"The source {source_name!r}"
            rows = memory.rows(parts, settings, f"The data of the source {source_name!r}")
            super().__init__(source_name, where, rows, settings, Remarks())

        @classmethod
        def claims(cls, dataset: str) -> bool:
            return dataset == source_name

        @classmethod
        def named(cls, dataset: str) -> str:
            return source_name

    return FunctionSource


def _parts(name: str, given: Any) -> dict[str, Any]:
    """What a function gave, by split; the split is empty where a column says it or there is none.

    Raises:
        UserError: there is no split to train on, or one of another name.
    """
    if given is None:
        raise UserError(
            f"The source {name!r} gives nothing; it returns a DataFrame, (texts, labels), or a "
            "mapping of such by split."
        )
    if not isinstance(given, Mapping) or not (
        all(map(split_of, given)) or all(_is_table(part) for part in given.values())
    ):
        return {"": given}
    parts: dict[str, Any] = {}
    for key, part in given.items():
        split = split_of(key)
        if split is None or split in parts:
            raise UserError(
                f"The source {name!r} gives a split {shown(key)!r}; a split is one of "
                f"{', '.join(SPLITS)}, each once."
            )
        parts[split] = part
    if "train" not in parts:
        raise UserError(f"The source {name!r} gives no split 'train'.")
    return parts


def _is_table(part: Any) -> bool:
    """Whether it is texts with their labels, and no column of them."""
    has_columns = hasattr(part, "columns") or hasattr(part, "column_names")
    is_pair = isinstance(part, tuple) and len(part) == 2
    return has_columns or is_pair or isinstance(part, (Mapping, Iterator))


def _whole(name: str, part: Any) -> Any:
    """Texts and labels with their iterators as lists, so that what fails while they run is told as
    the source's."""
    if isinstance(part, Iterator):
        rows = list(part)
        if odd := [row for row in rows if not isinstance(row, (tuple, list)) or len(row) != 2]:
            raise UserError(
                f"The source {name!r} yields {shown(repr(odd[0]))}; it has to yield (text, label)."
            )
        return [text for text, _ in rows], [label for _, label in rows]
    if isinstance(part, tuple) and len(part) == 2:
        return tuple(list(one) if isinstance(one, Iterator) else one for one in part)
    return part


def _of_class(source_name: str, given: type) -> type[Opened]:
    class ClassSource:
        """A registered class, with defaults for what it leaves out, and its answers checked."""

        caution: ClassVar[str] = str(getattr(given, "caution", ""))
        name = source_name

        def __init__(self, settings: DataSettings) -> None:
            with _told(source_name):
                self._given = given(settings)
                self.classes = tuple(map(str, self._given.classes))
                self.splits = tuple(self._given.splits)
                self.texts = int(getattr(self._given, "texts", 0))
                self.remarks = tuple(map(str, getattr(self._given, "remarks", ())))
            self._sizes: dict[str, int] = {}
            if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes):
                raise UserError(
                    f"The source {source_name!r} has the classes {list(self.classes)}; it needs "
                    "two or more, each of another name."
                )
            if settings.classes and settings.classes != self.classes:
                raise UserError(
                    f"The classes of {source_name} are {list(self.classes)}, in this order."
                )
            if "train" not in self.splits or not set(self.splits) <= set(SPLITS):
                raise UserError(
                    f"The source {source_name!r} has the splits {list(self.splits)}; they are "
                    "train, and validation and test where there are any."
                )
            # In their one order, whatever order the class names them in.
            self.splits = tuple(split for split in SPLITS if split in self.splits)

        @classmethod
        def claims(cls, dataset: str) -> bool:
            return dataset == source_name

        @classmethod
        def named(cls, dataset: str) -> str:
            return source_name

        def fingerprint(self) -> str:
            if hasattr(self._given, "fingerprint"):
                with _told(source_name):
                    return str(self._given.fingerprint())
            whole = hashlib.sha256(repr((self.classes, self.splits)).encode())
            for split in self.splits:
                for text, label in self.examples(split):
                    whole.update(f"{split} {label} {len(text)} ".encode() + text)
            return whole.hexdigest()

        def size(self, split: str) -> int:
            if hasattr(self._given, "size"):
                with _told(source_name):
                    return int(self._given.size(split))
            if split not in self._sizes:
                self._sizes[split] = sum(1 for _ in self.examples(split))
            return self._sizes[split]

        def examples(self, split: str) -> Iterator[Example]:
            count = 0
            with _told(source_name):
                for example in self._given.examples(split):
                    count += 1
                    yield self._checked(example, f"{split}, text {count}")
            if not count:
                beside = "" if split == "train" else ", or leave it out of splits"
                raise UserError(
                    f"The source {source_name!r} gives no text of its split {split!r}; give "
                    f"some{beside}."
                )
            # What is planned goes by the size, what is trained by the texts.
            if hasattr(self._given, "size") and (size := self.size(split)) != count:
                raise UserError(
                    f"The source {source_name!r} gives {count:,} texts of {split}, of which its "
                    f"size({split!r}) says {size:,}; mend it, or leave it out to have them counted."
                )

        def _checked(self, example: Any, place: str) -> Example:
            if not isinstance(example, (tuple, list)) or len(example) != 2:
                raise UserError(
                    f"The source {source_name!r} gives {shown(repr(example))} in {place}; it has "
                    "to give a text and the number of its class."
                )
            text, label = example
            text = utf8(text) if isinstance(text, str) else text
            if not isinstance(text, bytes):
                raise UserError(
                    f"The source {source_name!r} gives a {type(text).__name__} for a text in "
                    f"{place}."
                )
            is_number = hasattr(label, "__index__") and not isinstance(label, bool)
            if not is_number or not 0 <= int(label) < len(self.classes):
                named = f" {suggest(label, self.classes)}" if isinstance(label, str) else ""
                raise UserError(
                    f"The source {source_name!r} gives the label {shown(repr(label))} in {place}; "
                    f"labels are numbers from 0 to {len(self.classes) - 1}, the places of the "
                    f"classes.{named}"
                )
            return text, int(label)

    return cast("type[Opened]", ClassSource)
