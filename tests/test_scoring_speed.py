"""The script that times how tables are scored: its texts, its table, its failures. No times."""

from __future__ import annotations

import csv
import importlib.util
import sys
from itertools import islice
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("speed", ROOT / "docs" / "scoring_speed.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["speed"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["speed"]


def test_texts_begin_again_and_become_as_many_rows(script, tmp_path):
    (tmp_path / "texts").write_bytes(b"one, two\n\n \xff odd\n")
    texts = script.texts_of(tmp_path / "texts")
    script.write_table(tmp_path / "t.csv", 3, texts)
    with (tmp_path / "t.csv").open(errors="surrogateescape", newline="") as stream:
        assert [row[1] for row in csv.reader(stream)] == [
            "text",
            "one, two",
            " \udcff odd",
            "one, two",
        ]
    assert len(set(islice(script.texts_of(None), 20))) > 10


def test_rows_a_second_leave_the_start_out(script):
    found = [script.Measured(10_000, 8.0, 700.2), script.Measured(110_000, 18.0, 700.9)]
    assert script.table_of(found).splitlines()[2:] == [
        "| 10,000 | 8.0 |  | 700 |",
        "| 110,000 | 18.0 | 10,000 | 701 |",
    ]


def test_a_command_that_fails_ends_it(script, tmp_path, capfd):
    with pytest.raises(SystemExit, match="predict ended with exit code 2"):
        script.main([str(tmp_path / "nowhere"), "5"])
    assert "holds no exported model" in capfd.readouterr().err


def test_a_file_that_is_not_there(script):
    with pytest.raises(FileNotFoundError):
        script.texts_of(Path("nowhere.txt"))
