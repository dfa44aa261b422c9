"""``score``: every row of a table with an exported model's label and scores."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
from tflottery.files import expanded
from tflottery.plugins import Plugins
from tflottery.scoring import formats
from tflottery.scoring.explain import Explainer, effects_by
from tflottery.scoring.formats import Format
from tflottery.scoring.model import Scorer
from tflottery.scoring.writing import (
    LABEL,
    Scored,
    added_columns,
    require_free,
    require_new,
    sides_of,
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
            for the label and against it, each as a list of words with their effects
            (``tfl.explain``).
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
    chosen: str = effects_by(by)
    by = chosen if argument("explain", explain, bool) else ""
    prefix, kind = argument("prefix", prefix, str), argument("format", format, str)
    folder = client.version_folder(client.Model(place("model", model)))
    if not isinstance(data, (str, os.PathLike)):
        if output is not None or kind or set:
            raise UserError(
                "output, format and set go with a file; a DataFrame comes back as one, with to_csv "
                "and the like."
            )
        return _of_frame(folder, data, text, prefix, by)
    path = place("data", data)
    if isinstance(data, str) and not expanded(path).exists():
        raise UserError(f"There is no file {shown_path(data)}; texts themselves come as a list.")
    if output is None:
        settings = reading(path, text, set)
        if kind:
            raise UserError("format is for what is written; give output, too.")
        return _frame(opened(settings), folder, prefix, by)
    return _written(folder, path, text, set, place("output", output), kind, "csv", prefix, by)


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
    by = by if explain else ""
    return _written(folder, data, text, set, file, format, otherwise, prefix, by)


def _written(
    folder: Path,
    data: str | Path | Iterator[bytes],
    text: str,
    set: Settings,
    file: Path | None,
    format: str,
    otherwise: Format,
    prefix: str,
    by: str,
) -> Scored:
    """Scores a file, or texts as they come, into a file or to standard output; ``by`` is empty
    where words are not explained, ``otherwise`` the format where neither says one."""
    chosen = formats.format_of(file, format, otherwise)
    settings = reading(data, text, set) if isinstance(data, (str, Path)) else None
    if file is not None:
        require_free(file, settings.dataset if settings else "", chosen, prefix)
    table = opened(settings) if settings else _Lines(data, text)
    return write(folder, table, file, chosen, prefix, by=by)


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


def _of_frame(model: Path, data: Any, text: str, prefix: str, by: str) -> pd.DataFrame:
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
    explainer = Explainer(scorer, by) if by else None
    added = added_columns(scorer.classes, prefix, with_words=bool(by))
    require_new(names, added, prefix)
    labels: list[str] = []
    scores = []
    sides: list[list[list[list[object]]]] = []
    with activity.doing("scoring", len(cells)):
        for rows in together((cell,) for cell in cells):
            texts = [text_bytes(row[0]) for row in rows]
            some, of_them = scorer.score(texts)
            labels += some
            scores.append(of_them)
            if explainer is not None:
                sides += sides_of(explainer, texts)
            activity.advance(len(rows))
    made = data.copy()
    joined = np.concatenate([np.empty((0, len(scorer.classes)), np.float32), *scores])
    of_words = [[one[side] for one in sides] for side in (0, 1)] if by else []
    for name, column in zip(added, [labels, *joined.T, *of_words], strict=True):
        made[name] = column
    return made


def _frame(table: WholeTable, model: Path, prefix: str, by: str) -> pd.DataFrame:
    import pandas as pd

    rows = [[None if value is ABSENT else value for value in row] for row in table]
    frame = pd.DataFrame(rows, columns=list(table.names), dtype=object)
    return _of_frame(model, frame, table.names[table.text], prefix, by)
