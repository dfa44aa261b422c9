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
from tflottery.errors import UserError
from tflottery.runs.resources import environment

_STANDARD_ERROR = 2


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
