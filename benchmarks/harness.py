"""How things are timed: in turns, so that a busy machine slows all alike; medians; ratios."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

Work = Callable[[], object]


@dataclass(frozen=True)
class Table:
    """What one benchmark found: a title, what was compared, and a row a variant."""

    title: str
    about: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        lines = [self.columns, tuple(["---"] + ["---:"] * (len(self.columns) - 1)), *self.rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"## {self.title}\n\n{self.about}\n\n{table}\n"


def seconds(work: Work) -> float:
    """How long something takes, once."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turns(variants: Mapping[str, Work], turns: int) -> dict[str, list[float]]:
    """Seconds of each variant in each turn, after a turn that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(turns + 1):
        for name, work in variants.items():
            spent = seconds(work)
            if turn:
                times[name].append(spent)
    return times


def ratio(times: Mapping[str, list[float]], one: str, other: str) -> float:
    """The median over turns of the time of one variant over that of another."""
    return statistics.median(a / b for a, b in zip(times[one], times[other], strict=True))


def machine() -> str:
    """What it was measured on, in a line."""
    model = platform.processor() or platform.machine()
    try:
        about = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.partition(":")[2].strip() for line in about if "model name" in line)
    except (OSError, StopIteration):
        pass
    return (
        f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"TensorFlow {metadata.version('tensorflow')}"
    )
