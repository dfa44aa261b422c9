"""An evaluation as tables of a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from tflottery.data.reading.records import shown
from tflottery.report.terminal import plain_table

if TYPE_CHECKING:
    import pandas as pd

    from tflottery.scoring.evaluation import Evaluation

# Columns of a table of confusions that fit beside each other; of more classes, the largest errors.
_CLASSES, _PAIRS, _LABEL = 6, 10, 22
_NOTHING = "–"


def tables(done: Evaluation) -> list[Table]:
    """Metrics, classes, confusions, calibration, and words where some were counted."""
    others = [_words(done.words)] if len(done.words) else []
    others += [_ngrams(done.ngrams)] if len(done.ngrams) else []
    return [
        _metrics(done.metrics),
        _classes(done.classes),
        _confusion(done.confusion),
        _calibration(done.calibration),
        *others,
    ]


def _words(rows: pd.DataFrame) -> Table:
    table = plain_table("")
    table.add_column("class", no_wrap=True)
    table.add_column("words that decide it (effect on its log-odds)")
    for name, of in rows.groupby("class", sort=False):
        listed = ", ".join(
            f"{shown(row['word'])} {row['effect']:+.2f}" for row in of.to_dict("records")
        )
        table.add_row(_name(name), Text(listed))
    return table


def _ngrams(rows: pd.DataFrame) -> Table:
    table = _table("class", "filter", "effect")
    table.add_column("n-grams that move it most")
    for row in rows.to_dict("records"):
        listed = " · ".join(map(shown, row["ngrams"]))
        table.add_row(
            _name(row["class"]), str(row["filter"]), f"{row['effect']:+.2f}", Text(listed)
        )
    return table


def _name(label: object) -> str:
    name = shown(label)
    return name if len(name) <= _LABEL else f"{name[: _LABEL - 1]}…"


def _number(value: float, form: str = ".4f") -> str:
    return _NOTHING if value != value else format(value, form)


def _ends(low: float, high: float) -> str:
    return "" if low != low else f"[{low:.4f}, {high:.4f}]"


def _table(first: str, *others: str) -> Table:
    table = plain_table("")
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _metrics(rows: pd.DataFrame) -> Table:
    table = _table("metric", "value", "95 % interval")
    for row in rows.to_dict("records"):
        table.add_row(
            row["metric"].replace("_", " "), _number(row["value"]), _ends(row["low"], row["high"])
        )
    return table


def _classes(rows: pd.DataFrame) -> Table:
    table = _table("class", "texts", "precision", "", "recall", "", "F1")
    for row in rows.to_dict("records"):
        table.add_row(
            _name(row["class"]),
            f"{row['texts']:,}",
            _number(row["precision"]),
            _ends(row["precision_low"], row["precision_high"]),
            _number(row["recall"]),
            _ends(row["recall_low"], row["recall_high"]),
            _number(row["f1"]),
        )
    return table


def _confusion(counts: pd.DataFrame) -> Table:
    names = [_name(name) for name in counts.index]
    numbers = counts.to_numpy()
    if len(names) <= _CLASSES:
        table = _table("true, taken for", *names)
        for name, of_class in zip(names, numbers.tolist(), strict=True):
            table.add_row(name, *(f"{count:,}" for count in of_class))
        return table
    table = _table(f"true (the {_PAIRS} most frequent errors)", "taken for", "texts")
    pairs = [(row, column) for row in range(len(names)) for column in range(len(names))]
    wrong = [pair for pair in pairs if pair[0] != pair[1] and numbers[pair]]
    for row, column in sorted(wrong, key=lambda pair: -numbers[pair])[:_PAIRS]:
        table.add_row(names[row], names[column], f"{numbers[row, column]:,}")
    return table


def _calibration(bins: pd.DataFrame) -> Table:
    table = _table("probability", "texts", "mean", "accuracy", "95 % interval")
    for row in bins.to_dict("records"):
        table.add_row(
            f"{row['above']:.2f} to {row['to']:.2f}",
            f"{row['texts']:,}",
            _number(row["confidence"]),
            _number(row["accuracy"]),
            _ends(row["low"], row["high"]),
        )
    return table
