"""What decides the last digits of a training beside its seeds: the processor's instructions,
oneDNN, and the number of threads.

Equal seeds give equal bits only where all three are equal, so every run records them.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
THREADS = "TF_NUM_INTRAOP_THREADS"
# The widest vectors first: float32 kernels are chosen by these.
_INSTRUCTIONS = (("avx512", "avx512f"), ("avx2", "avx2"), ("avx", "avx"), ("sse4", "sse4_1"))
_CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Arithmetic:
    """``instructions``: the widest vector instructions of the processor (``avx512``, ``avx2``), or
    its architecture. ``onednn``: whether TensorFlow computes with oneDNN. ``threads``: of one
    operation."""

    instructions: str
    onednn: bool
    threads: int

    def __str__(self) -> str:
        threads = f"{self.threads} thread{'s' * (self.threads > 1)}"
        return f"{self.instructions}, oneDNN {'on' if self.onednn else 'off'}, {threads}"

    def to_record(self) -> dict[str, Any]:
        """JSON values; ``from_record`` gives the arithmetic back."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any] | None) -> Arithmetic | None:
        """What a run recorded; None where it was made before runs recorded it."""
        if not record:
            return None
        return cls(str(record["instructions"]), bool(record["onednn"]), int(record["threads"]))


@cache
def instructions() -> str:
    """The widest vector instructions that this processor has, as ``avx512`` or ``avx2``; its
    architecture where they cannot be told."""
    try:
        text = _CPU_INFO.read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    flags = {
        word for line in text.splitlines() if line.startswith("flags") for word in line.split()
    }
    return next((name for name, flag in _INSTRUCTIONS if flag in flags), platform.machine())


def cores() -> int:
    """The processor's cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


def switch_on_onednn() -> None:
    """Has TensorFlow compute with oneDNN where that is faster, unless the user said otherwise.

    By itself TensorFlow does so only on processors with AVX-512 and better; with AVX2 a training
    takes half the time with it. TensorFlow reads the variable when it is imported.
    """
    if instructions() in ("avx512", "avx2"):
        os.environ.setdefault(ONEDNN, "1")


def threads() -> int:
    """The threads that TensorFlow gives one operation in this process."""
    said = os.environ.get(THREADS, "")
    return int(said) if said.isdecimal() and int(said) else cores()


@cache
def current() -> Arithmetic:
    """That of this process. Imports TensorFlow, which alone knows whether it took oneDNN."""
    from tensorflow.python.util import _pywrap_util_port

    return Arithmetic(instructions(), bool(_pywrap_util_port.IsMklEnabled()), threads())
