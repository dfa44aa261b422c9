"""Runs the benchmarks: ``python -m benchmarks [steps buckets threads study profile]``.

``--write FILE`` puts the tables into a Markdown file. The machine should do nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks import processes, profiled, steps, studies
from benchmarks.harness import Table, machine

ALL: dict[str, Callable[[int], list[Table]]] = {
    "steps": lambda turns: steps.run(max(3, turns // 2)),
    "buckets": lambda turns: [processes.buckets(max(3, turns // 3))],
    "threads": lambda turns: [processes.threads(max(3, turns // 5))],
    "study": lambda turns: studies.run(),
    "profile": lambda turns: profiled.run(),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("which", nargs="*", help=f"some of {', '.join(ALL)}; all by default")
    parser.add_argument("--turns", type=int, default=6, help="default 6; the slow ones take fewer")
    parser.add_argument("--write", type=Path, help="a Markdown file for the tables")
    given = parser.parse_args()
    if unknown := set(given.which) - set(ALL):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    print(machine(), flush=True)
    tables = []
    for name in given.which or ALL:
        for table in ALL[name](given.turns):
            print(f"\n{table.markdown()}", flush=True)
            tables.append(table)
            if given.write:  # now, as a later one may fail
                given.write.write_text(_page(tables), encoding="utf-8")


def _page(tables: list[Table]) -> str:
    head = (
        "# Benchmarks\n\n"
        "`make bench` measures these and writes this page; the rows on PyTorch appear where it is "
        f"installed (`pip install -e '.[bench]'`).\n\nMeasured on: {machine()}.\n"
    )
    return "\n".join([head, *(table.markdown() for table in tables)])


if __name__ == "__main__":
    main()
