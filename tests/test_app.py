"""What every command does with mistakes, whoever makes them."""

from __future__ import annotations

import errno
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import user_environment
from tflottery.cli import app, export, find_ticket, predict, report
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.runs.encoded import find_corpus, load_corpus
from tflottery.runs.store import Store


def failing(error: BaseException) -> app.Command:
    def fail(values: object) -> None:
        raise error

    return app.Command("study", "", lambda values: None, fail, "", lambda values: "All is kept.")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "runs/data"), 2, "denied (runs/data)"),
        (OSError(errno.EROFS, "Read-only file system", "runs"), 2, "another folder"),
        (
            OSError(errno.ENOSPC, "No space left on device", "runs"),
            1,
            "the disk is full (",
        ),
        (UserError("see bin/report --help"), 2, "see tflottery report --help"),
        (KeyboardInterrupt(), 130, "interrupted. All is kept."),
    ],
)
def test_an_end_is_one_line_and_a_code(monkeypatch, capsys, error, code, message):
    monkeypatch.setattr("tflottery.program._called", ("tflottery",))
    assert app.run(failing(error), []) == code
    said = capsys.readouterr().err
    assert said.startswith("study: ") and message in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "flags", "message"),
    [
        (report, ["runs", "--store", "other"], "'runs' and '--store other' stand for the same"),
        (report, ["runs", "more"], "'more' belongs to no flag"),
        (export, ["a", "--ticket", "b"], "'a' and '--ticket b' stand for the same"),
        (predict, ["--model", "nowhere", "text"], "nowhere holds no exported model"),
        (find_ticket, ["--dataset", "toy", "--store", "lost"], "holds runs, and its store.json is"),
        (find_ticket, ["--dataset", "toy", "--store", "home"], "folder of other things (it has no"),
    ],
)
def test_a_mistake_is_called_by_its_name(tmp_path, monkeypatch, capsys, command, flags, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lost" / "abc").mkdir(parents=True)
    (tmp_path / "lost" / "abc" / "run.json").write_text("{}")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").touch()
    monkeypatch.setattr("tflottery.startup.start_tensorflow", lambda: pytest.fail("loaded"))
    assert command.main(flags) == 2
    assert message in capsys.readouterr().err


def test_data_that_cannot_be_kept_are_told_before_they_are_encoded(tmp_path, monkeypatch):
    store = Store(tmp_path / "runs")
    settings = sources.identify(DataSettings(dataset="toy", max_length=5))
    assert find_corpus(settings, store) is None
    kept = load_corpus(settings, store)
    monkeypatch.setattr("tflottery.files.os.access", lambda *_: False)
    assert find_corpus(settings, store) is kept and load_corpus(settings, store) is kept
    with pytest.raises(UserError, match="give --store another place"):
        load_corpus(sources.identify(DataSettings(dataset="toy", max_length=6)), store)


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_ctrl_c_while_tensorflow_loads_is_one_line(tmp_path, seconds):
    process = subprocess.Popen(
        [sys.executable, "-m", "tflottery.cli.find_ticket", "--dataset", "toy"],
        cwd=tmp_path, env=user_environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    while process.stdout.readline() != "loading TensorFlow\n":
        assert process.poll() is None
    time.sleep(seconds)
    process.send_signal(2)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert errors.startswith("find_ticket: interrupted. ") and errors.count("\n") == 1
    assert not Path(tmp_path / "tickets").exists()
