"""Processes that work when they are asked to, through pipes: a line of JSON in, one out.

Some things are settled for a whole process, such as whether TensorFlow computes with oneDNN. What
is to be compared under several settings therefore lives in several processes, which take turns.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parent.parent
# Characters of a failed process' standard error.
_SHOWN = 4000

Answer = Callable[[Any], Any]


class Asked:
    """A Python module as a process that answers questions; ``serve`` is what it runs.

    Leaving it as a context manager ends the process.
    """

    def __init__(
        self, name: str, module: str, environment: Mapping[str, str] | None = None
    ) -> None:
        """``name`` is for people; ``environment`` comes on top of this process' own."""
        path = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.name = name
        # Shown where it fails: libraries say much, and it would cut progress bars in two.
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path), **(environment or {})},
            text=True,
        )

    def __enter__(self) -> Asked:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, question: Any) -> Any:
        """The answer to one question.

        Raises:
            RuntimeError: the process failed at it, or is dead.
        """
        self.send(question)
        return self.receive()

    def send(self, question: Any) -> None:
        """Asks without waiting for the answer; ``receive`` does that."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._death() from None

    def receive(self) -> Any:
        """The answer to the question sent last."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._death()
        try:
            said = json.loads(line)
        except ValueError:
            raise RuntimeError(f"{self.name} said {line!r}, which is no answer") from None
        if "error" in said:
            self._show()
            raise RuntimeError(f"{self.name}: {said['error']}")
        return said["answer"]

    def _death(self) -> RuntimeError:
        code = self._process.wait()
        self._show()
        return RuntimeError(f"{self.name} has ended, with code {code}")

    def _show(self) -> None:
        """The end of what it said on its standard error."""
        self._said.seek(0)
        print(self._said.read()[-_SHOWN:], file=sys.stderr, flush=True)

    def close(self) -> None:
        """Ends the process; it has nothing to lose."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):  # a question that it had not read
                pipe.close()
        self._process.wait()
        self._said.close()


def serve(begin: Callable[[Any], tuple[Any, Answer]]) -> None:
    """Answers questions until there are none.

    ``begin`` is given the first question; it gives the answer to that, and what answers the rest.
    An error is an answer too, the last one.
    """
    # Ctrl-C reaches all processes of a terminal; the one that asks ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Libraries that print must not print among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(kind: str, value: Any) -> None:
        answers.write(json.dumps({kind: value}) + "\n")
        answers.flush()

    answer: Answer | None = None
    try:
        for line in sys.stdin:
            question = json.loads(line)
            if answer is None:
                ready, answer = begin(question)
                say("answer", ready)
            else:
                say("answer", answer(question))
    except Exception as error:
        traceback.print_exc()
        say("error", f"{type(error).__name__}: {error}")
        sys.exit(1)
