"""TensorFlow's start: late, quiet, and with the threads that were asked for.

It takes seconds to import and writes a dozen lines while it does, so it is imported when the first
network or text needs it, not before.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from tflottery import arithmetic
from tflottery.arithmetic import THREADS
from tflottery.errors import UserError

_STANDARD_ERROR = 2
_GROWTH = "TF_FORCE_GPU_ALLOW_GROWTH"


def environment(threads: int | None) -> dict[str, str]:
    """Environment variables that set TensorFlow's threads; it reads them when it is imported.

    The number of threads decides in which order floating-point numbers are added, so equal bits
    need equal numbers of threads. On a GPU, TensorFlow takes memory as needed, so that several
    processes can share one.
    """
    names = (THREADS, "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    chosen = {} if threads is None else {name: str(threads) for name in names}
    return {**chosen, _GROWTH: os.environ.get(_GROWTH, "true")}


def use_threads(threads: int | None) -> None:
    """Holds TensorFlow to so many threads, here and in workers; None leaves it all cores.

    Raises:
        UserError: TensorFlow was started with another number in this process, which it keeps.
    """
    if "tensorflow" in sys.modules and threads not in (None, arithmetic.threads()):
        raise UserError(
            f"TensorFlow runs with {arithmetic.threads()} threads in this process and cannot "
            f"change; give threads={arithmetic.threads()}, or begin a new process."
        )
    os.environ.update(environment(threads))


def start_tensorflow() -> None:
    """Imports TensorFlow without its start-up messages; they come back if the import fails."""
    if "tensorflow_model_optimization" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Some are written before TensorFlow reads that variable, so only the descriptor helps.
    with _kept_aside(_STANDARD_ERROR):
        import tensorflow
        import tensorflow_model_optimization

        tensorflow.config.list_physical_devices()
        del tensorflow, tensorflow_model_optimization


@contextmanager
def _kept_aside(descriptor: int) -> Iterator[None]:
    """Sends what is written to a file descriptor to a file, and from there back on an error."""
    with tempfile.TemporaryFile() as aside:
        original = os.dup(descriptor)
        os.dup2(aside.fileno(), descriptor)
        try:
            yield
        except BaseException:
            aside.seek(0)
            os.write(original, aside.read())
            raise
        finally:
            os.dup2(original, descriptor)
            os.close(original)
