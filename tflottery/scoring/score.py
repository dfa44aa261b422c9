"""``score``: every row of a table with an exported model's label and scores."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Union

import numpy as np

from tflottery import activity, plugins, status
from tflottery.data.reading.records import ABSENT, is_missing, shown, shown_path, text_of
from tflottery.data.reading.whole_table import WholeTable, text_bytes
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError, suggest
from tflottery.experiments.configuration import Settings, assigned
from tflottery.exports import client
from tflottery.plugins import Plugins
from tflottery.scoring import formats
from tflottery.scoring.explain import effects_by
from tflottery.scoring.formats import Format
from tflottery.scoring.model import Scorer
from tflottery.scoring.writing import (
    LABEL,
    Scored,
    added_columns,
    require_free,
    require_new,
    together,
    write,
)
from tflottery.settings import argument, from_table, place

if TYPE_CHECKING:
    import pandas as pd

Texts = Union[str, Path, "pd.DataFrame", Sequence[str]]
"""The path of a table, a DataFrame, or texts."""

_READING = ("text_column", "header", "delimiter", "quote", "escape", "encoding", "skip_bad")


@status.said
def score(
    model: str | Path,
    data: Texts,
    *,
    text: str = "",
    output: str | Path | None = None,
    format: str = "",
    prefix: str = "",
    explain: bool = False,
    by: str = "occlusion",
    set: Settings = (),
    plugin: Plugins = (),
    progress: bool = True,
) -> Scored | pd.DataFrame:
    """Asks an exported model about every text of a table, and gives the table back with columns for
    the label and for the probability of each class.

    A file is read and written as a stream, and takes as much memory with ten million rows as with
    ten thousand; ``docs/predict.md`` says which formats cannot be streamed. The output appears when
    it is whole.

    >>> import tflottery as tfl
    >>> tfl.score("saved_models/toy-cnn", "new.csv", output="scores.csv").rows    # doctest: +SKIP
    10000
    >>> tfl.score("saved_models/toy-cnn", ["dull", "superb"])["label"].tolist()   # doctest: +SKIP
    ['negative', 'positive']

    Args:
        model: the folder of a model, or of one of its versions.
        data: a table's path, that of a folder of ``.txt`` files (columns ``file`` and ``text``), a
            DataFrame, or texts.
        text: the column that holds the texts; by default ``text``.
        output: a file to write: a table's path needs one, unless the table is to come back as a
            DataFrame.
        format: ``csv``, ``tsv``, ``jsonl`` or ``table`` (for people); by default what the output's
            name ends in.
        prefix: stands before the names of the added columns, where the table has such columns.
        explain: whether columns ``words_for`` and ``words_against`` name the words that speak most
            for the label and against it, with their effects (``tfl.explain``), of a file.
        by: what effects are computed by, as in ``explain``.
        set: how the file is read, as ``{"data.delimiter": ";"}`` (``docs/data.md``).
        plugin: as in ``find_ticket``.
        progress: whether progress is shown.

    Returns:
        What was written; without ``output`` the table as a DataFrame, for one that was given with
        its index.

    Raises:
        UserError: the table, the model or the output cannot be used; nothing was written.
    """
    plugins.load(plugin, installed=False)
    effects_by(by)
    prefix, kind = argument("prefix", prefix, str), argument("format", format, str)
    folder = client.version_folder(client.Model(place("model", model)))
    if not isinstance(data, (str, os.PathLike)):
        if output is not None or kind or set or explain:
            raise UserError(
                "output, format, explain and set go with a file; a DataFrame comes back as one, "
                "with to_csv and the like."
            )
        return _of_frame(folder, data, text, prefix)
    path = place("data", data)
    if isinstance(data, str) and not path.exists():
        raise UserError(f"There is no file {shown_path(data)}; texts themselves come as a list.")
    settings = reading(path, text, set)
    if output is None:
        if kind or explain:
            raise UserError("format and explain are for what is written; give output, too.")
        return _frame(opened(settings), folder, prefix)
    file = place("output", output)
    chosen = formats.format_of(file, kind, "csv")
    require_free(file, settings.dataset, chosen, prefix)
    return write(folder, opened(settings), file, chosen, prefix, by=by if explain else "")


def command(
    model: str | Path,
    data: str | Iterator[bytes],
    *,
    text: str,
    output: str | None,
    format: str,
    prefix: str,
    explain: bool,
    by: str,
    set: Settings,
) -> Scored:
    """What ``bin/predict`` does with a table, or with texts as they come: as ``score``, to standard
    output where there is no other."""
    effects_by(by)
    if data == "-":
        raise UserError(
            "--input takes a file. Without it standard input is read: a text a line, or with "
            "--column the texts of a table."
        )
    folder = client.version_folder(client.Model(place("model", model)))
    file = None if output is None else place("output", output)
    otherwise: Format = "table" if file is None and sys.stdout.isatty() else "csv"
    chosen = formats.format_of(file, format, otherwise)
    settings = reading(data, text, set) if isinstance(data, str) else None
    if file is not None:
        require_free(file, settings.dataset if settings else "", chosen, prefix)
    table = opened(settings) if settings else _Lines(data, text)
    return write(folder, table, file, chosen, prefix, by=by if explain else "")


@dataclass(frozen=True)
class _Lines:
    """Texts as they come, as a table with one column."""

    texts: Any
    column: str
    title: ClassVar[str] = "texts"
    text: ClassVar[int] = 0
    count: ClassVar[int] = 0
    empty: ClassVar[int] = 0
    remarks: ClassVar[tuple[str, ...]] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.column or "text",)

    def __iter__(self) -> Iterator[tuple[object, ...]]:
        for text in self.texts:
            yield (text.decode("utf-8", "surrogateescape"),)


def reading(data: str | Path, text: str, set: Settings = ()) -> DataSettings:
    """How a file is read.

    Raises:
        UserError: a setting is none of reading a table without labels.
    """
    table: dict[str, Any] = {}
    for key, value in assigned(set).items():
        section, _, name = key.partition(".")
        if section != "data" or name not in _READING:
            known = [f"data.{one}" for one in _READING]
            raise UserError(f"--set {key} says nothing of how a table is read. "
                            f"{suggest(key, known)}")  # fmt: skip
        table[name] = value
    text = argument("text", text, str) or str(table.pop("text_column", "text"))
    columns = {"text_column": text, "label_column": text, "split_column": ""}
    return from_table(DataSettings, "data", {**table, "dataset": str(data), **columns})


def opened(settings: DataSettings) -> WholeTable:
    """The table of a file, every row of it looked at."""
    with activity.doing(f"reading {shown(Path(settings.dataset).name)}", unit="rows"):
        return WholeTable(settings)


def _of_frame(model: Path, data: Any, text: str, prefix: str) -> pd.DataFrame:
    import pandas as pd

    if isinstance(data, (list, tuple, np.ndarray, pd.Series)):
        data = pd.DataFrame({text or "text": list(data)})
    if not isinstance(data, pd.DataFrame):
        raise UserError(f"Texts come as a file, a DataFrame or a list, not {type(data).__name__}.")
    text = "text" if text == "" else str(text)
    names = [str(name) for name in data.columns]
    if names.count(text) != 1:
        known = suggest(shown(text), map(shown, names))
        mend = "rename the others." if text in names else f"name the one with the texts. {known}"
        how_many = f"{names.count(text)} columns" if text in names else "no column"
        raise UserError(f"The DataFrame has {how_many} {shown(text)!r}; {mend}")
    require_new(names, [f"{prefix}{LABEL}"], prefix)
    cells = data.iloc[:, names.index(text)].tolist()
    for number, cell in enumerate(cells, start=1):
        if (
            not isinstance(cell, (str, bytes))
            and not is_missing(cell)
            and (what := text_of(cell)[1])
        ):
            raise UserError(f"Row {number}: {what}; join what it holds to one text.")
    scorer = Scorer(model)
    require_new(names, added_columns(scorer.classes, prefix), prefix)
    labels: list[str] = []
    scores = []
    with activity.doing("scoring", len(cells)):
        for rows in together((cell,) for cell in cells):
            some, of_them = scorer.score([text_bytes(row[0]) for row in rows])
            labels += some
            scores.append(of_them)
            activity.advance(len(rows))
    made = data.copy()
    joined = np.concatenate([np.empty((0, len(scorer.classes)), np.float32), *scores])
    for name, column in zip_longest(added_columns(scorer.classes, prefix), [labels, *joined.T]):
        made[name] = column
    return made


def _frame(table: WholeTable, model: Path, prefix: str) -> pd.DataFrame:
    import pandas as pd

    rows = [[None if value is ABSENT else value for value in row] for row in table]
    frame = pd.DataFrame(rows, columns=list(table.names), dtype=object)
    return _of_frame(model, frame, table.names[table.text], prefix)
