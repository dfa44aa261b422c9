"""One table after the other: shown, and written as soon as it is there."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import Options, Table
from benchmarks.watch import Watch
from tflottery.files import write_atomically


@dataclass(frozen=True)
class Benchmark:
    """``name``: on the command line, which several may share. ``title``: while it runs."""

    name: str
    title: str
    run: Callable[[Options, Watch], list[Table]]


def measure(
    chosen: Sequence[Benchmark], options: Options, watch: Watch, on: str, page: Path | None
) -> int:
    """Runs benchmarks, prints their tables, and gives an exit code: 1 where one failed.

    Args:
        on: the machine, for the page.
        page: a Markdown file; it holds the tables so far after each benchmark, as a later one may
            fail or be stopped.
    """
    tables: list[Table] = []
    failed: list[str] = []
    for number, benchmark in enumerate(chosen, start=1):
        try:
            with watch.table(benchmark.title, number, len(chosen)):
                found = benchmark.run(options, watch)
        except Exception as error:
            traceback.print_exc()
            watch.note(f"{benchmark.title} failed: {type(error).__name__}: {error}")
            failed.append(benchmark.title)
        else:
            tables += found
            for table in found:
                print(f"\n{table.markdown()}", flush=True)
        if page and tables:
            write_atomically(page, as_page(tables, failed, on))
    if failed:
        watch.note(f"Failed: {'; '.join(failed)}.")
    return 1 if failed else 0


def as_page(tables: Sequence[Table], failed: Sequence[str], on: str) -> str:
    """The tables as Markdown, under a head that says what they were measured on."""
    head = (
        "# Benchmarks\n\n"
        "`make bench` measures these and writes this page; the rows on PyTorch appear where it is "
        f"installed (`pip install -e '.[bench]'`).\n\nMeasured on: {on}.\n"
    )
    if failed:
        head += f"\nFailed, and left out: {'; '.join(failed)}.\n"
    return "\n".join([head, *(table.markdown() for table in tables)])
