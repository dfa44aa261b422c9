"""Ctrl-C at any moment of a command: silence or one line, and the exit code of an interrupt."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT, user_environment
from tflottery.cli import app

# A module that a command imports, in the place of the real one: Ctrl-C while it is imported.
PRESSED = "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(60)\n"


@pytest.mark.parametrize("module", ["tflottery.cli.report", "tflottery"])
def test_ctrl_c_while_modules_are_imported_is_silent(tmp_path, module):
    (tmp_path / "absl").mkdir()
    (tmp_path / "absl" / "__init__.py").write_text(PRESSED)
    environment = user_environment()
    path = os.pathsep.join([str(tmp_path), environment.get("PYTHONPATH", ""), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", module, "report"], cwd=tmp_path, check=False,
        env={**environment, "PYTHONPATH": path}, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


AT_THE_END = """
import atexit, os, signal, sys, time
atexit.register(lambda: (os.kill(os.getpid(), signal.SIGINT), time.sleep(60)))
sys.argv = ["tflottery", *sys.argv[1:]]
from tflottery.cli.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [(["report", "--store", "none"], 2, "report: "), (["--version"], 0, "")],
)
def test_ctrl_c_while_python_ends_is_silent(tmp_path, words, code, says):
    done = subprocess.run(
        [sys.executable, "-c", AT_THE_END, *words], cwd=tmp_path, check=False,
        env=user_environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 130
    errors = done.stderr.removeprefix("starting\n")  # on a busy machine
    assert errors.startswith(says) and errors.count("\n") == bool(says)


def test_ctrl_c_before_flags_are_read_is_one_line(monkeypatch, capsys):
    def pressed(values: object) -> None:
        raise KeyboardInterrupt

    command = app.Command("study", "", pressed, pressed, "", lambda values: values.store)
    before = signal.getsignal(signal.SIGINT)
    assert app.run(command, []) == 130
    assert capsys.readouterr().err == "study: interrupted.\n"
    assert signal.getsignal(signal.SIGINT) is before


def test_importing_the_package_leaves_ctrl_c_alone(tmp_path):
    code = "import signal, tflottery; print(signal.getsignal(2) is signal.default_int_handler)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=user_environment(), capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "True\n"


@pytest.mark.long
@pytest.mark.parametrize("milliseconds", [*range(0, 100, 5), *range(100, 3_000, 200)])
def test_ctrl_c_at_any_moment_of_the_start(tmp_path, milliseconds):
    environment = user_environment()
    # Where a checkout has no environment of its own, its scripts take this one.
    path = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    process = subprocess.Popen(
        [ROOT / "bin" / "find_ticket", "--dataset", "toy"], cwd=tmp_path, text=True,
        env={**environment, "PATH": path}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    time.sleep(milliseconds / 1000)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    # The shell of the script itself, or env, may be ended by the signal.
    assert process.returncode in (130, -signal.SIGINT), errors
    assert not errors or (
        errors.startswith("find_ticket: interrupted.") and errors.count("\n") == 1
    )
    assert not Path(tmp_path / "tickets").exists()
