"""Where labelled texts come from.

A source is a class with the methods of ``Source``. What was registered (``register_source``) opens
the data set of its name; else the first one of ``SOURCES`` that claims the name does.
"""

from __future__ import annotations

import dataclasses
import stat
from dataclasses import dataclass

from tflottery import activity
from tflottery.data import splitting
from tflottery.data.reading.files_source import FilesSource
from tflottery.data.reading.memory import MemorySource
from tflottery.data.reading.pooled import Pooled, PooledTable
from tflottery.data.reading.records import shown
from tflottery.data.reading.source import REGISTERED, Opened, Source
from tflottery.data.reading.table_source import TableSource
from tflottery.data.reading.tfds_source import ALIASES, TfdsSource
from tflottery.data.reading.toy import ToySource
from tflottery.data.settings import DataSettings
from tflottery.files import expanded

# The last one claims every name.
SOURCES: tuple[type[Opened], ...] = (ToySource, MemorySource, FilesSource, TfdsSource)


def open_source(settings: DataSettings, *, to_train: bool = True) -> Source:
    """Opens the data set that the settings name.

    Args:
        settings: which, and how it is read.
        to_train: whether a network is to be trained on the texts, or only judged.

    Raises:
        UserError: no source knows the name, its data cannot be read, or none can be trained on
            them.
    """
    opened, pooled = _open(settings), settings.split == "pooled"
    if to_train and isinstance(opened, TableSource):
        opened.require_trainable(pooled=pooled)
    if not pooled:
        return opened
    return PooledTable(opened) if isinstance(opened, TableSource) else Pooled(opened)


def _open(settings: DataSettings) -> Source:
    kind = source_of(settings.dataset)
    place = _place(settings) if kind is FilesSource else None
    if place is None:
        return kind(settings)
    if place not in _LAST:
        _LAST.clear()
        _LAST[place] = kind(settings)
    return _LAST[place]


# The file that was judged last: it is identified first and encoded then.
_LAST: dict[tuple[object, ...], Source] = {}
# What is no matter to how a file is read.
_BESIDE = ("fingerprint", "division", "vocabulary_from", "vocabulary_size", "max_length",
           "validation", "train_size", "share_vocabulary", "data_dir", "keep", "split",
           "split_seed")  # fmt: skip


def _place(settings: DataSettings) -> tuple[object, ...] | None:
    """A file as it lies there now, and how it is to be read; none for what is no file."""
    path = expanded(settings.dataset)
    try:
        about = path.stat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(about.st_mode):
        return None
    read = [
        getattr(settings, item.name)
        for item in dataclasses.fields(settings)
        if item.name not in _BESIDE
    ]
    return (str(path.absolute()), about.st_ino, about.st_size, about.st_mtime_ns, *read)


def release_words() -> None:
    """Lets go of the words of the file that was judged last, which are as large as encoded data."""
    for source in _LAST.values():
        if isinstance(source, TableSource):
            source.release_numbered()


def source_of(dataset: str) -> type[Opened]:
    """The source that reads a data set of that name."""
    if dataset in REGISTERED:
        return REGISTERED[dataset]
    return next(source for source in SOURCES if source.claims(dataset))


def same_published(one: str, other: str) -> bool:
    """Whether both name the same builder of TFDS, however its data were prepared."""
    names = {ALIASES.get(name, name) for name in (one, other)}
    return len(names) == 1 and source_of(one) is TfdsSource


def reading(settings: DataSettings) -> str:
    """What a user is told while the data are read."""
    if source_of(settings.dataset) is FilesSource:
        path = expanded(settings.dataset)
        return f"reading {shown(path.name or path.absolute().name)}"
    return f"reading {name_of(settings) or shown(settings.dataset)}"


def name_of(settings: DataSettings) -> str:
    """What the data are called by where they lie; empty where only opening them tells."""
    return source_of(settings.dataset).named(settings.dataset)


@dataclass(frozen=True)
class Identified:
    """Settings with the fingerprint of their data, what to tell the user about these, and the names
    of their classes by label."""

    settings: DataSettings
    remarks: tuple[str, ...]
    classes: tuple[str, ...]


def identify(settings: DataSettings) -> DataSettings:
    """The settings with the fingerprint of their data filled in, and of the data that they share a
    vocabulary with."""
    return look(settings).settings


def look(settings: DataSettings) -> Identified:
    """What ``identify`` gives, with lines about what was assumed or left out in reading the data.

    Raises:
        UserError: the data cannot be read, or classes have too few texts to hold some out.
    """
    with activity.doing(reading(settings)):
        source = open_source(settings)
        remarks = tuple(getattr(source, "remarks", ()))
        fingerprint = source.fingerprint()
    with activity.doing("looking for equal texts"):
        division = splitting.division(source, settings)
    own = dataclasses.replace(settings, fingerprint=fingerprint, division=division)
    if not settings.share_vocabulary:
        return Identified(own, remarks, source.classes)
    other = DataSettings(
        dataset=settings.share_vocabulary,
        data_dir=settings.data_dir,
        vocabulary_size=settings.vocabulary_size,
        max_length=settings.max_length,
        validation=settings.validation,
        tokens=settings.tokens,
        symbols=settings.symbols,
        keep=settings.keep,
    )
    alone = dataclasses.replace(own, share_vocabulary="")
    shared = look(other)
    both = (alone, shared.settings)
    lines = dict.fromkeys([*remarks, *shared.remarks])
    return Identified(dataclasses.replace(own, vocabulary_from=both), tuple(lines), source.classes)
