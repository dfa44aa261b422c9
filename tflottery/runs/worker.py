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
from tflottery.runs.tasks import Ready, Task, perform


def main() -> None:
    """Performs the tasks that come through the pipe, one after the other."""
    # A shell's background jobs ignore Ctrl-C, and what they start inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    connection = Connection(int(sys.argv[1]))
    store = Store(Path(sys.argv[2]))
    tasks: SimpleQueue[Task] = SimpleQueue()
    threading.Thread(target=_receive, args=(connection, tasks), daemon=True).start()
    with suppress(KeyboardInterrupt):
        connection.send(Ready())
        while True:
            perform(tasks.get(), store, connection.send)
    # Nothing is half-written by now, and TensorFlow would take its time to end.
    os._exit(0)


def _receive(connection: Connection, tasks: SimpleQueue[Task]) -> None:
    """Takes tasks in, also while one is performed, so that the end of the parent is noticed."""
    try:
        while True:
            tasks.put(connection.recv())
    except Exception as error:
        # The end of the parent; or something worse, which it finds as the reason of a lost worker.
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)


if __name__ == "__main__":
    main()
