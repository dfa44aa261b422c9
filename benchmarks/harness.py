"""How things are timed: in turns, in an order that changes, so that a busy machine slows all alike;
medians, and ratios with their spread."""

from __future__ import annotations

import os
import platform
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from benchmarks.watch import Watch
from tflottery import arithmetic

Work = Callable[[], object]

ISA = "ONEDNN_MAX_CPU_ISA"


@dataclass(frozen=True)
class Options:
    """How much is measured. ``turns`` of each variant that count. ``steps`` a turn; None leaves it
    to each table. ``avx2``: training steps also with oneDNN limited to AVX2."""

    turns: int = 3
    steps: int | None = None
    avx2: bool = False


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


def in_turns(variants: Mapping[str, Work], turns: int, watch: Watch) -> dict[str, list[float]]:
    """Seconds of each variant in each turn, after a turn that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    order = random.Random(1)
    watch.expect(dict.fromkeys(variants, turns + 1))
    for turn in range(turns + 1):
        called = f"turn {turn} of {turns}" if turn else "warming up"
        for name in order.sample(list(variants), len(variants)):
            with watch.piece(name, f"{called}, {name}"):
                spent = seconds(variants[name])
            if turn:
                times[name].append(spent)
    return times


def ratio(times: Mapping[str, list[float]], one: str, other: str) -> str:
    """The time of one variant over that of another: the median over turns, and the quartiles where
    there are several turns; a dash where the other was not measured."""
    if other not in times:
        return "–"
    if one == other:
        return "1"
    of_turns = [a / b for a, b in zip(times[one], times[other], strict=True)]
    if len(of_turns) == 1:
        return f"{of_turns[0]:.3f}"
    low, middle, high = statistics.quantiles(of_turns, n=4, method="inclusive")
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def counted(number: int, what: str) -> str:
    """``1 turn``, ``3 turns``."""
    return f"{number} {what}{'s' * (number != 1)}"


def machine() -> str:
    """What it was measured on, in a line. Imports TensorFlow, which alone knows whether it
    computes with oneDNN."""
    model = platform.processor() or platform.machine()
    try:
        about = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.partition(":")[2].strip() for line in about if "model name" in line)
    except (OSError, StopIteration):
        pass
    with _silenced():
        current = arithmetic.current()
    limit = f" (limited to {os.environ[ISA]})" if os.environ.get(ISA) else ""
    return (
        f"{model}, instructions up to {current.instructions}, {arithmetic.cores()} cores, "
        f"Python {platform.python_version()}, TensorFlow {metadata.version('tensorflow')}, "
        f"oneDNN {'on' if current.onednn else 'off'}{limit} unless a row says otherwise, "
        f"{counted(current.threads, 'thread')}"
    )


@contextmanager
def _silenced() -> Iterator[None]:
    """Without what libraries say on standard error when they are imported; errors are raised."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
