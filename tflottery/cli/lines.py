"""Texts from standard input: a line each, or a column of a table; and tables told from prose."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from tflottery.data.reading.decoding import no_lines
from tflottery.errors import UserError, suggest

# As many lines are read before the first answer in any case.
HEAD = 32
_DELIMITERS = (",", "\t", ";", "|")
# What the column of the texts is called in most tables; a header mostly has one of these.
_TEXTS = frozenset(
    "text texts review reviews sentence sentences comment comments content message tweet body "
    "document description title headline phrase utterance question reviewtext review_text".split()
)
_NAME = re.compile(r"[\w.#/-]+( [\w.#/-]+)?")
_LONGEST_NAME = 30
_DIGIT = re.compile(r"\d")
_SEP_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)


def texts_of(
    stream: Iterable[bytes], column: str = "", *, any_lines: bool = False, look: bool = True
) -> Iterator[bytes]:
    """The texts, in UTF-8.

    Args:
        stream: lines as they come.
        column: of a table, the one that holds the texts; empty for a text a line.
        any_lines: takes every line as a text, also where they look like a table.
        look: whether to read ahead, which a person who types would have to wait for.

    Raises:
        UserError: the lines are those of a table or no text at all, or the column is not there.
    """
    lines = iter(stream)
    if look or column:
        first = list(islice(lines, 1))
        if what := no_lines(first[0] if first else b""):
            raise UserError(f"Standard input is {what}, or give a file with a table as --input.")
        lines = chain([line.removeprefix(codecs.BOM_UTF8) for line in first], lines)
    if column:
        return _column(lines, column)
    if not any_lines and look:
        head = list(islice(lines, HEAD))
        if table := table_in(head):
            raise UserError(table)
        lines = chain(head, lines)
    return (line.rstrip(b"\r\n") for line in lines)


def table_in(head: Sequence[bytes]) -> str:
    """What to do where the first lines are those of a table; an empty text where they are texts.

    A table has a header: short names with a delimiter between them, and rows below it with the
    delimiter on every line. One of the names is such as "text" or "review", or, in whatever
    language they are, a column below holds numbers, dates or ids. Commas in prose make none.
    """
    lines = [line for line in map(_decoded, head) if line.strip()]
    if not lines:
        return ""
    if _are_objects(lines):
        return _refusal("JSON Lines", "", "")
    separated = _SEP_LINE.fullmatch(lines[0])
    if separated:
        lines = lines[1:]
    for mark in separated[1] if separated else _DELIMITERS:
        rows = _rows(lines, mark)
        names = rows[0] if rows else []
        if len(rows) < 2 or not _is_header(names):
            continue
        # The last row may be cut where the head ends.
        below = rows[1:-1] or rows[1:]
        is_whole = all(len(row) == len(names) for row in below)
        column = next((name for name in names if name.strip().lower() in _TEXTS), "")
        if not column and is_whole and _has_codes(names, below):
            sizes = [sum(len(row[place]) for row in below) for place in range(len(names))]
            column = names[sizes.index(max(sizes))]
        if column and (is_whole or all(mark in x for x in lines)):
            return _refusal("a table", f" (columns {', '.join(map(repr, names))})", column.strip())
    return ""


def _refusal(kind: str, columns: str, column: str) -> str:
    way = f"Give --column {column} for its texts, " if column else "Give the texts alone, "
    return (
        f"Standard input is {kind}{columns}, and each line of it would be taken as one text. {way}"
        "or --lines where every line is a text all the same."
    )


def _decoded(line: bytes) -> str:
    return line.decode("utf-8", "replace").lstrip("\ufeff").rstrip("\r\n")


def _are_objects(lines: Sequence[str]) -> bool:
    try:
        return all(isinstance(json.loads(line), dict) for line in lines)
    except (ValueError, RecursionError):
        return False


def _rows(lines: Iterable[str], mark: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader((f"{x}\n" for x in lines), delimiter=mark) if row]
    except (csv.Error, TypeError):  # a mark that can be none
        return []


def _is_header(names: Sequence[str]) -> bool:
    bare = [name.strip() for name in names]
    return (
        len(bare) > 1
        and len(set(bare)) == len(bare)
        and all(not x or (len(x) <= _LONGEST_NAME and _NAME.fullmatch(x)) for x in bare)
    )


def _has_codes(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a column holds numbers, dates or ids: a digit in each cell, and no space, where its
    name has no digit."""
    columns = zip(names, zip(*rows, strict=True), strict=True)
    return len(rows) > 1 and any(
        not _DIGIT.search(name) and all(_DIGIT.search(x) and " " not in x.strip() for x in cells)
        for name, cells in columns
    )


def _column(lines: Iterator[bytes], column: str) -> Iterator[bytes]:
    """The texts of one column, by its name in the header."""
    first = _decoded(next(lines, b""))
    before = 1
    separated = _SEP_LINE.fullmatch(first)
    if separated:
        first, before = _decoded(next(lines, b"")), 2
    marks = separated[1] if separated else _DELIMITERS
    headers = {mark: next(csv.reader([first], delimiter=mark), []) for mark in marks}
    # The delimiter of a header is the one that divides it most.
    mark, names = max(headers.items(), key=lambda item: len(item[1]))
    names = [name.strip() for name in names]
    if not any(names):
        raise UserError(f"Standard input has no column {column!r}: it is empty.")
    if names.count(column) > 1:
        raise UserError(
            f"Standard input has {names.count(column)} columns {column!r}; rename one, or save it "
            "and give it as --input with --set data.header=false and a number as --text_column."
        )
    if column not in names:
        raise UserError(f"Standard input has no column {column!r}. {suggest(column, names)}")
    place = names.index(column)
    return _cells(lines, mark, place, len(names), before)


def _cells(
    lines: Iterator[bytes], mark: str, place: int, count: int, before: int
) -> Iterator[bytes]:
    text = (line.decode("utf-8", "replace") for line in lines)
    reader = csv.reader(text, delimiter=mark, strict=True)
    while True:
        line = before + reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            is_open = "unexpected end" in str(error)
            what = "a quote is opened and never closed" if is_open else str(error)
            raise UserError(
                f'Standard input, line {line}: {what}. Write a quote in a text twice ("").'
            ) from None
        if not row:
            continue
        if len(row) != count:
            raise UserError(
                f"Standard input, line {line}: {len(row)} fields, and the header has {count}. Put "
                "quotes around texts that hold the delimiter."
            )
        yield row[place].encode()
