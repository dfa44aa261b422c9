"""Prints how many rows a second ``bin/predict --input`` scores, and its memory at its highest.

    python docs/scoring_speed.py saved_models/toy-cnn 10000 100000
    python docs/scoring_speed.py saved_models/imdb-cnn 10000 100000 --texts reviews.txt

For each number of rows a CSV is made (an id, a text, a date) and scored by a process of its own.
Texts are toy reviews, or the lines of a file, from the first on again where there are too few.
Starting takes some seconds, so rows a second are those between one number of rows and the next.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path


@dataclass(frozen=True)
class Measured:
    """One call: ``rows`` of the table, ``seconds`` of the whole process, and ``memory``, the most
    MB that it held at a time."""

    rows: int
    seconds: float
    memory: float


def texts_of(file: Path | None) -> Iterator[str]:
    """Texts without end."""
    if file is not None:
        lines = file.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        return cycle([line for line in lines if line.strip()])
    from tflottery.data.reading import sources
    from tflottery.data.settings import DataSettings

    examples = sources.open_source(DataSettings("toy")).examples("test")
    return cycle([text.decode() if isinstance(text, bytes) else text for text, _ in examples])


def write_table(path: Path, rows: int, texts: Iterator[str]) -> None:
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "text", "when"])
        writer.writerows(
            [number, text, "2026-01-01"] for number, text in enumerate(islice(texts, rows), 1)
        )


def measure(model: Path, rows: int, texts: Iterator[str], explain: bool) -> Measured:
    """Scores a table of so many rows.

    Raises:
        SystemExit: the command failed; it has said why.
    """
    with tempfile.TemporaryDirectory() as made:
        table, scores = Path(made) / "texts.csv", Path(made) / "scores.csv"
        write_table(table, rows, texts)
        flags = ["--model", str(model), "--input", str(table), "--output", str(scores)]
        began = time.monotonic()
        child = subprocess.Popen(
            [sys.executable, "-m", "tflottery", "predict", *flags, *["--explain"] * explain],
            stdout=subprocess.DEVNULL,
        )
        # Of this child alone; what subprocess waits with tells no memory.
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"predict ended with exit code {child.returncode}")
        with scores.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
            written = sum(1 for _ in csv.reader(stream)) - 1
        assert written == rows, (written, rows)
    return Measured(rows, seconds, used.ru_maxrss / 1024)


def table_of(found: list[Measured]) -> str:
    """The rows as Markdown."""
    lines = ["| rows | seconds | rows a second | memory, MB |", "| ---: | ---: | ---: | ---: |"]
    for before, one in zip([None, *found], found, strict=False):
        rate = ""
        if before is not None and one.seconds > before.seconds and one.rows > before.rows:
            rate = f"{(one.rows - before.rows) / (one.seconds - before.seconds):,.0f}"
        lines.append(f"| {one.rows:,} | {one.seconds:,.1f} | {rate} | {one.memory:,.0f} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("model", type=Path)
    parser.add_argument("rows", type=int, nargs="+")
    parser.add_argument("--texts", type=Path, help="a file with a text a line")
    parser.add_argument("--explain", action="store_true", help="with what each word did")
    given = parser.parse_args(arguments)
    found = [
        measure(given.model, rows, texts_of(given.texts), given.explain)
        for rows in sorted(given.rows)
    ]
    print(table_of(found))


if __name__ == "__main__":
    main()
