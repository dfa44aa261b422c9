"""A command on a terminal of its own."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.conftest import user_environment


def seen_on_terminal(command: Sequence[str], folder: Path | None = None, **environment: str) -> str:
    """All that a command writes to a terminal; it has to end well."""
    control, terminal = pty.openpty()
    process = subprocess.Popen(
        command, cwd=folder, env={**user_environment(), "TERM": "xterm", **environment},
        stdin=terminal, stdout=terminal, stderr=terminal,
    )  # fmt: skip
    os.close(terminal)
    seen = b""
    try:
        while part := os.read(control, 4096):
            seen += part
    except OSError:
        pass  # the other end closed
    assert process.wait(timeout=60) == 0
    return seen.decode()
