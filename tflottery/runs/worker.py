"""A worker process: ``python -m tflottery.runs.worker <file descriptor> <store>``."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue

from tflottery.runs.store import Store
from tflottery.runs.tasks import Ready, Task, Unreadable, perform


def main() -> None:
    """Performs the tasks that come through the pipe, one after the other."""
    # The background jobs of a shell ignore Ctrl-C, and their children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    connection = Connection(int(sys.argv[1]))
    store = Store(Path(sys.argv[2]))
    tasks: SimpleQueue[Task | Unreadable] = SimpleQueue()
    threading.Thread(target=_receive, args=(connection, tasks), daemon=True).start()
    with suppress(KeyboardInterrupt):
        connection.send(Ready())
        while True:
            perform(tasks.get(), store, connection.send)
    # Nothing is half-written now. Ends at once, because TensorFlow is slow to shut down.
    os._exit(0)


def _receive(connection: Connection, tasks: SimpleQueue[Task | Unreadable]) -> None:
    """Receives tasks even while one is performed, so as to notice when the parent ends."""
    try:
        while True:
            tasks.put(connection.recv())
    except Exception as error:
        # The parent has ended. Or this is a bug: then the parent reads this line, as the reason
        # why it lost the worker.
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)


if __name__ == "__main__":
    main()
