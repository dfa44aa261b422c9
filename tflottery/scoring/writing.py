"""Tables of texts with scores, written as a stream: whole in their place, or not at all."""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tflottery import activity
from tflottery.data.reading.records import shown, shown_path
from tflottery.data.reading.whole_table import text_bytes
from tflottery.errors import UserError
from tflottery.files import new_file, require_replaceable, require_writable
from tflottery.scoring import formats
from tflottery.scoring.explain import Explainer
from tflottery.scoring.formats import Format
from tflottery.scoring.model import Scorer

LABEL, SCORE = "label", "score_"
FOR, AGAINST = "words_for", "words_against"
# Words of each side that columns name.
_WORDS = 10
# Rows that are read before any is written: enough to put texts of one length together. Fewer where
# they are long, so that memory stays the same.
_ROWS, _BYTES = 4_096, 1 << 24
_HEAD = 1 << 24

Row = tuple[object, ...]


class Table(Protocol):
    """Rows with a cell for each of ``names``; ``text`` is the place of the texts. There are
    ``count`` rows, of which ``empty`` have no text; 0 where that is not known."""

    @property
    def title(self) -> str: ...

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def text(self) -> int: ...

    @property
    def count(self) -> int: ...

    @property
    def empty(self) -> int: ...

    @property
    def remarks(self) -> tuple[str, ...]: ...

    def __iter__(self) -> Iterator[Row]: ...


@dataclass(frozen=True)
class Scored:
    """A table that was written.

    ``output``: where. ``rows``: how many, of which ``empty`` have no text. ``columns``: those that
    were added. ``remarks``: what was assumed or left out in reading, a line each.
    """

    output: Path
    rows: int
    empty: int
    columns: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What was written, for people."""
        rows = f"{self.rows:,} row{'s' * (self.rows != 1)}"
        where = "standard output" if self.output == Path("-") else shown_path(self.output)
        return f"Scores: {where} ({rows}; {', '.join(map(shown, self.columns))})"


def write(
    model: Path,
    table: Table,
    output: Path | None,
    kind: Format,
    prefix: str = "",
    *,
    by: str = "",
) -> Scored:
    """Writes a table with scores.

    Args:
        model: the folder of a version.
        table: what is scored.
        output: where to; None for standard output.
        kind: the format.
        prefix: before the names of added columns.
        by: what two more columns are computed by, which say which words speak most for the label
            and against it; empty for none.

    Raises:
        UserError: the table has such columns already, or the model cannot be loaded.
    """
    # What two columns of a name mean for JSON is known before the model is loaded.
    formats.writer(kind, table.names, 0)
    require_new(table.names, [f"{prefix}{LABEL}"], prefix)
    scorer = Scorer(model)
    explainer = Explainer(scorer, by) if by else None
    added = added_columns(scorer.classes, prefix, with_words=bool(by))
    require_new(table.names, added, prefix)
    writer = formats.writer(kind, [*table.names, *added], len(added))
    rows = 0
    blocks = _blocks(writer, table, scorer, explainer)
    if output is None:
        for count, block in blocks:
            rows += count
            activity.quiet()
            sys.stdout.buffer.write(block)
            sys.stdout.flush()
        return Scored(Path("-"), rows, table.empty, tuple(added), table.remarks)
    with new_file(output) as stream, formats.packed(output, stream) as packed:
        for count, block in blocks:
            rows += count
            packed.write(block)
    return Scored(output, rows, table.empty, tuple(added), table.remarks)


def added_columns(
    classes: Sequence[str], prefix: str = "", *, with_words: bool = False
) -> list[str]:
    """The names of the columns that scores go to, and the words that speak for and against."""
    sides = [f"{prefix}{FOR}", f"{prefix}{AGAINST}"] if with_words else []
    return [f"{prefix}{LABEL}", *(f"{prefix}{SCORE}{name}" for name in classes), *sides]


def sides_of(explainer: Explainer, texts: Sequence[bytes]) -> list[list[list[list[object]]]]:
    """Of each text the words that speak most for its label, and those against it: each as a list of
    a word and its effect."""
    found = explainer.explain([text.decode("utf-8", "surrogateescape") for text in texts])
    return [
        [[[word, round(effect, 3)] for word, effect in side] for side in one.strongest(_WORDS)]
        for one in found
    ]


def _blocks(
    writer: formats.Writer, table: Table, scorer: Scorer, explainer: Explainer | None
) -> Iterator[tuple[int, bytes]]:
    """Rows, and the bytes of them."""
    yield 0, writer.head()
    with activity.doing(f"scoring {table.title}", table.count, "rows"):
        for rows in together(table):
            texts = [text_bytes(row[table.text]) for row in rows]
            labels, scores = scorer.score(texts)
            written = [
                [*row, label, *map(_number, of_row)]
                for row, label, of_row in zip(rows, labels, scores, strict=True)
            ]
            if explainer is not None:
                for cells, sides in zip(written, sides_of(explainer, texts), strict=True):
                    cells += sides
            yield len(rows), writer.rows(written)
            activity.advance(len(rows))


def _number(score: np.float32) -> float:
    """The shortest number that a 32-bit float is told from others by."""
    return float(str(score))


def together(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows that are scored and written together."""
    kept: list[Row] = []
    size = 0
    for row in rows:
        kept.append(row)
        size += sum(len(value) for value in row if isinstance(value, (str, bytes)))
        if len(kept) == _ROWS or size > _BYTES:
            yield kept
            kept, size = [], 0
    if kept:
        yield kept


def require_new(names: Sequence[str], added: Sequence[str], prefix: str) -> None:
    """Makes sure that no column is there already.

    Raises:
        UserError: one is.
    """
    trimmed = [name.strip() for name in names]
    taken = [name for name in added if name in trimmed]
    if taken:
        raise UserError(
            f"The table has a column {shown(taken[0])!r} already; give the added ones another name "
            f"with --prefix: {shown(prefix)}model_ makes {shown(f'{prefix}model_{LABEL}')!r} of it."
        )


def require_free(output: Path, data: str, kind: Format, prefix: str) -> None:
    """Makes sure that nothing else is lost where the output goes.

    Args:
        output: where to.
        data: the path of the table; empty where it has none.
        kind, prefix: as of ``write``.

    Raises:
        UserError: the output is the input, no file, or a file that holds no scores.
    """
    require_writable(output.parent, "--output")
    if not output.exists() and not output.is_symlink():
        return
    read = Path(data).expanduser() if data else None
    if read is not None and output.exists() and read.exists() and output.samefile(read):
        raise UserError(f"--output is the table that is read ({shown_path(output)}); give another.")
    require_replaceable(output, "--output", ", or leave it out: scores then go to standard output")
    if not _holds_scores(output, kind, prefix):
        raise UserError(
            f"{shown_path(output)} is there already and holds no such scores; give --output "
            "another name, or delete it."
        )


def _holds_scores(output: Path, kind: Format, prefix: str) -> bool:
    """Whether the first line of a file has the columns that are added, so that scores made anew may
    replace it."""
    opener: Any = gzip.open if output.suffix.lower() == ".gz" else open
    label, score = f"{prefix}{LABEL}", f"{prefix}{SCORE}"
    try:
        with opener(output, "rt", encoding="utf-8", errors="replace", newline="") as stream:
            if kind == "table":
                words = stream.readline(_HEAD).split()
                return words[:1] == label.split()[:1] and score in " ".join(words)
            if kind == "jsonl":
                names = list(json.loads(stream.readline(_HEAD)))
            else:
                names = next(csv.reader(stream, delimiter="\t" if kind == "tsv" else ","), [])
    except (OSError, EOFError, ValueError, TypeError, RecursionError, csv.Error):
        return False
    scores = names[names.index(label) + 1 :] if label in names else []
    if scores[-2:] == [f"{prefix}{FOR}", f"{prefix}{AGAINST}"]:
        scores = scores[:-2]
    return bool(scores) and all(name.startswith(score) for name in scores)
