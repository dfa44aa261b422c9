"""bin/report as it is called: what it says, bad input, and damage, which it names."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import tflottery as tfl
from tests.synthetic_study import write_study
from tflottery.errors import UserError
from tflottery.experiments.reports import write_report
from tflottery.files import seal


def _complaint(command, *flags) -> str:
    done = command("report", *flags)
    assert done.returncode == 2 and done.stdout == "", done.stderr
    (line,) = _beside_status(done.stderr)
    assert line.startswith("report: ")
    return line


def _beside_status(errors: str) -> list[str]:
    """The lines but those in which a slow machine says what it is at."""
    status = ("starting", "reading results and drawing", "writing the report")
    return [line for line in errors.splitlines() if line not in status]


def test_command(command, tmp_path):
    write_study(tmp_path / "runs", levels=(0.36, 0.832), optional=False, controls=False)
    done = command("report", "runs", "--output", "out/")
    assert done.returncode == 0 and _beside_status(done.stderr) == [], done.stderr
    assert done.stdout == "Report: out/index.html\n"
    assert command("report", "--output", "out").returncode == 0  # runs is the default
    one = command("report", "runs/studies/study_cnn")
    assert one.returncode == 0 and (tmp_path / "report" / "index.html").is_file()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".staging")]
    assert "[store]" in command("report", "--help").stdout


def test_the_call_has_the_commands_defaults_and_plugins(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    write_study(tmp_path / "runs", levels=(0.36,), optional=False, controls=False)
    (tmp_path / "said.py").write_text("from pathlib import Path\nPath('loaded').touch()\n")
    page = tfl.write_report(plugin="said.py", progress=False)
    assert page == Path("report/index.html") and page.is_file() and Path("loaded").exists()
    assert capfd.readouterr() == ("", "")
    with pytest.raises(UserError, match=r"nowhere\.py cannot be read"):
        tfl.write_report("nowhere", plugin="nowhere.py")


def test_command_on_bad_input(command, tmp_path):
    assert "no folder nowhere" in _complaint(command, "nowhere")
    (tmp_path / "runs").mkdir()
    assert "holds no study" in _complaint(command)
    write_study(tmp_path / "runs", levels=(0.36,), optional=False, controls=False)
    assert "'more' belongs to no flag" in _complaint(command, "runs", "more")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    assert "other things than a report" in _complaint(command, "runs", "--output", "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years"


def _drop(name: str, column: str):
    def damage(folder: Path) -> None:
        pd.read_csv(folder / name).drop(columns=column).to_csv(folder / name, index=False)

    return damage


def _set(name: str, column: str, value: str):
    def damage(folder: Path) -> None:
        frame = pd.read_csv(folder / name, dtype=str)
        frame.loc[3, column] = value
        frame.to_csv(folder / name, index=False)

    return damage


def _again(folder: Path) -> None:
    frame = pd.read_csv(folder / "cells.csv")
    pd.concat([frame, frame.iloc[[5]]]).to_csv(folder / "cells.csv", index=False)


def _without_dense(folder: Path) -> None:
    frame = pd.read_csv(folder / "cells.csv")
    frame[frame["part"] != "dense"].to_csv(folder / "cells.csv", index=False)


DAMAGE = {
    "no study.json": (lambda folder: (folder / "study.json").unlink(), "study.json"),
    "edited study.json": (
        lambda folder: (folder / "study.json").write_text(
            (folder / "study.json").read_text().replace("imdb", "imdc")
        ),
        "study.json is damaged",
    ),
    "study.json without a key": (
        lambda folder: (folder / "study.json").write_text(seal({"format_version": 1})),
        "study.json has no valid 'name'",
    ),
    "other format": (
        lambda folder: (folder / "study.json").write_text(seal({"format_version": 2})),
        "format version 2",
    ),
    "no cells": (lambda folder: (folder / "cells.csv").unlink(), "cells.csv is missing"),
    "no timings": (lambda folder: (folder / "timings.csv").unlink(), "timings.csv is missing"),
    "empty cells": (lambda folder: (folder / "cells.csv").write_text(""), "cells.csv is damaged"),
    "binary cells": (
        lambda folder: (folder / "cells.csv").write_bytes(b"\xff\xfe\x00\x01" * 40),
        "cells.csv is damaged",
    ),
    "missing column": (_drop("cells.csv", "steps_to_99"), "cells.csv lacks the column steps_to_99"),
    "optional without column": (_drop("overlap.csv", "chance"), "overlap.csv lacks the column"),
    "a word for a number": (_set("cells.csv", "level", "much"), "'much' in line 5, column level"),
    "unknown state": (_set("cells.csv", "state", "maybe"), "state 'maybe'"),
    "no accuracy": (_set("cells.csv", "test_accuracy", ""), "no test_accuracy"),
    "percent": (_set("cells.csv", "test_accuracy", "87.1"), "outside 0 to 1"),
    "a cell twice": (_again, "repeats a cell"),
    "no dense": (_without_dense, "no dense network"),
}


@pytest.mark.parametrize("name", sorted(DAMAGE))
def test_damaged_input_is_named(tmp_path, name):
    folder = write_study(tmp_path, levels=(0.36, 0.59), controls=False)
    damage, message = DAMAGE[name]
    damage(folder)
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        write_report(tmp_path, tmp_path / "report")
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)
    assert not (tmp_path / "report").exists()


def test_an_older_report_stays_when_the_new_one_fails(tmp_path):
    folder = write_study(tmp_path, levels=(0.36,), controls=False, optional=False)
    index = write_report(tmp_path, tmp_path / "report")
    before = index.read_bytes()
    (folder / "cells.csv").unlink()
    with pytest.raises(UserError):
        write_report(tmp_path, tmp_path / "report")
    assert index.read_bytes() == before
