"""TensorFlow's start: late, quiet, and with the threads that were asked for.

It takes seconds to import and writes a dozen lines while it does, so it is imported when the first
network or text needs it, not before.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tflottery import activity, arithmetic
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


def use_threads(threads: int | None, *, here: bool = True) -> None:
    """Sets how many threads TensorFlow takes; None leaves it all cores.

    Args:
        threads: of one operation.
        here: whether trainings run in this process. Workers are told by ``environment`` in any
            case.

    Raises:
        UserError: TensorFlow was started with another number in this process, which it keeps.
    """
    if "tensorflow" not in sys.modules:
        os.environ.update(environment(threads))
    elif here and threads not in (None, running := arithmetic.current().threads):
        raise UserError(
            f"TensorFlow runs with {running} thread{'s' * (running > 1)} in this process and "
            f"cannot change; give threads={running}, or begin a new process."
        )


def start_tensorflow() -> None:
    """Imports TensorFlow without its start-up messages; they come back if the import fails."""
    if "tensorflow_model_optimization" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Some are written before TensorFlow reads that variable, so only the descriptor helps.
    with (
        activity.doing("loading TensorFlow", long=True),
        _kept_aside(_STANDARD_ERROR),
        _interruptible(),
    ):
        import tensorflow
        import tensorflow_model_optimization

        tensorflow.config.list_physical_devices()
        del tensorflow, tensorflow_model_optimization
    arithmetic.current()  # now, as the environment may change later


@contextmanager
def _interruptible() -> Iterator[None]:
    """Has an interrupt end the block as one: an import that it falls into may end in another error,
    or in none."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    seen = []

    def note(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    except Exception:
        if seen:
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    if seen:
        raise KeyboardInterrupt


@contextmanager
def _kept_aside(descriptor: int) -> Iterator[None]:
    """Sends what is written to a file descriptor to a file, and from there back on an error, but
    not where the user ended it."""
    with tempfile.TemporaryFile() as aside:
        original = os.dup(descriptor)
        os.dup2(aside.fileno(), descriptor)
        try:
            yield
        except KeyboardInterrupt:
            raise
        except BaseException:
            aside.seek(0)
            os.write(original, aside.read())
            raise
        finally:
            os.dup2(original, descriptor)
            os.close(original)
