"""TensorFlow's start: late, quiet, and with the threads that were asked for.

It takes seconds to import and writes a dozen lines while it does, so it is imported when the first
network or text needs it, not before.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType, ModuleType

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
        provide_distutils()
        import tensorflow
        import tensorflow_model_optimization

        tensorflow.config.list_physical_devices()
        del tensorflow, tensorflow_model_optimization
    arithmetic.current()  # now, as the environment may change later


def provide_distutils() -> None:
    """Makes ``import distutils`` work, which TF-MOT does and Python from 3.12 on has not.

    setuptools brings it, by a ``.pth`` file where it is installed, which Python does not read in
    folders of PYTHONPATH (``pip install --target``); else once it is imported.
    """
    if sys.version_info >= (3, 12):
        import setuptools  # noqa: F401


@contextmanager
def quietly(threads: int | None = None) -> Iterator[None]:
    """Has code of others that imports TensorFlow by itself begin it as ``start_tensorflow`` does:
    without its messages, and with the threads that were asked for.

    Args:
        threads: as of ``use_threads``; they are set where TensorFlow is imported, and only there.
    """
    if "tensorflow" in sys.modules:
        yield
        return
    with ExitStack() as stack:
        finder = _Announced(threads, stack)
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)


class _Announced:
    """Finds no module, but hears that TensorFlow is about to be imported."""

    def __init__(self, threads: int | None, stack: ExitStack) -> None:
        self._threads = threads
        self._stack = stack
        self._has_begun = False

    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> None:
        if name == "tensorflow" and not self._has_begun:
            self._has_begun = True
            use_threads(self._threads)
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
            self._stack.enter_context(_interruptible())
            self._stack.enter_context(_without_messages(_STANDARD_ERROR))
            self._stack.enter_context(activity.doing("loading TensorFlow", long=True))


# What TensorFlow writes while it is imported, and lines that a terminal replaces.
_MESSAGES = re.compile(
    rb"WARNING: All log messages before absl|[IWEF]\d{4} [\d:.]+ |"
    rb"\d{4}-\d\d-\d\d [\d:.]+: [IWEF] |To enable the following instructions"
)
_REPLACED = re.compile(rb"\r[^\n]*?\x1b\[K")


@contextmanager
def _without_messages(descriptor: int) -> Iterator[None]:
    """Keeps what is written to a file descriptor, and writes it at the end without what TensorFlow
    says of its start."""
    with tempfile.TemporaryFile() as aside:
        original = os.dup(descriptor)
        os.dup2(aside.fileno(), descriptor)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(original, descriptor)
            os.close(original)
            aside.seek(0)
            lines = _REPLACED.sub(b"", aside.read()).splitlines(keepends=True)
            if kept := b"".join(line for line in lines if not _MESSAGES.match(line)):
                os.write(descriptor, kept)


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
