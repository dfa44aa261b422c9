"""How things are timed: in turns, in an order that changes, so that a busy machine slows all alike;
medians, and ratios with their spread."""

from __future__ import annotations

import os
import platform
import random
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
    order = random.Random(1)
    for turn in range(turns + 1):
        for name in order.sample(list(variants), len(variants)):
            spent = seconds(variants[name])
            if turn:
                times[name].append(spent)
    return times


def ratio(times: Mapping[str, list[float]], one: str, other: str) -> str:
    """The time of one variant over that of another: the median over turns, and the quartiles."""
    of_turns = [a / b for a, b in zip(times[one], times[other], strict=True)]
    if one == other:
        return "1"
    low, middle, high = statistics.quantiles(of_turns, n=4, method="inclusive")
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


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
