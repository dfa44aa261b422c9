"""The tables of results: one schema for writer, reader and doubles; damage is named."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT
from tests.synthetic_study import edit, write_study
from tests.synthetic_transfer import write_transfer_result
from tests.synthetic_tuning import write_tuning_result
from tests.test_shown_results import SHOWN
from tflottery.errors import DamagedFileError, UserError
from tflottery.experiments.learning_rate.judging import judge as judge_trials
from tflottery.experiments.learning_rate.results import TRIALS, load_tuning
from tflottery.experiments.schema import MEASURED, Column, Schema
from tflottery.experiments.study.results import LAYERS, load_study
from tflottery.experiments.transfer.judging import judge, mean_overlap
from tflottery.experiments.transfer.results import load_transfer
from tflottery.models.units import GATES
from tflottery.report.escaping import one_line
from tflottery.runs import inventory, measures
from tflottery.tickets.rule import rule_from

LOADERS = {"studies": load_study, "transfers": load_transfer, "tunings": load_tuning}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of each experiment."""
    store = tmp_path_factory.mktemp("store")
    levels = (0.36, 0.832)
    return {
        "studies": write_study(store, levels=levels, seeds=(1, 2)),
        "transfers": write_transfer_result(store, levels=levels, seeds=(1, 2)),
        "tunings": write_tuning_result(store, levels=(0.0, *levels), seeds=(1, 2)),
    }


@pytest.mark.parametrize("kind", LOADERS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_flipped_bit_is_never_read_in_silence(written, tmp_path_factory, kind, data):
    folder = tmp_path_factory.mktemp("flipped") / "one"
    shutil.copytree(written[kind], folder)
    file = folder / data.draw(st.sampled_from(sorted(path.name for path in folder.iterdir())))
    content = bytearray(file.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(bytes(content))
    with pytest.raises(UserError) as caught:
        LOADERS[kind](folder)
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)
    shutil.rmtree(folder)


def test_a_digit_that_changed_in_cells_is_seen(written, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(written["studies"], folder)
    text = (folder / "cells.csv").read_text()
    digit = text.index("0.87", text.index("done"))
    (folder / "cells.csv").write_text(text[:digit] + "0.77" + text[digit + 4 :])
    with pytest.raises(DamagedFileError, match=r"cells\.csv is damaged: its checksum does not fit"):
        load_study(folder)


@pytest.mark.parametrize("kind", LOADERS)
def test_thirty_four_flips_of_tables_are_refused(written, tmp_path, kind):
    chance = random.Random(34)
    folder = tmp_path / "one"
    shutil.copytree(written[kind], folder)
    tables = sorted(folder.glob("*.csv"))
    for _ in range(34):
        file = chance.choice(tables)
        content = file.read_bytes()
        flipped = bytearray(content)
        flipped[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        file.write_bytes(flipped)
        with pytest.raises(DamagedFileError) as caught:
            LOADERS[kind](folder)
        assert str(file) in str(caught.value) and "again, which writes it anew" in str(caught.value)
        file.write_bytes(content)
    LOADERS[kind](folder)


def test_a_table_that_a_study_did_not_write_is_refused(written, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(written["studies"], folder)
    bare = write_study(tmp_path / "bare", levels=(0.36,), optional=False)
    shutil.copyfile(folder / "layers.csv", bare / "layers.csv")
    with pytest.raises(DamagedFileError, match=r"layers\.csv is none of the files"):
        load_study(bare)


def test_the_seal_of_timings_cannot_be_left_out(written, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(written["studies"], folder)
    (folder / "timings.json").unlink()
    with pytest.raises(UserError, match=r"timings\.json is missing"):
        load_study(folder)


@pytest.mark.parametrize("kind", LOADERS)
def test_what_a_store_needs_is_read_off_sound_tables_alone(written, tmp_path, kind):
    folder = tmp_path / "runs" / kind / "one"
    shutil.copytree(written[kind], folder)
    names = [path.name for path in folder.iterdir()]
    keys = set(pd.read_csv(next(folder.glob("[ct][er]*s.csv")), keep_default_na=False)["key"])
    assert keys <= set(inventory._of_results(tmp_path / "runs"))
    for name in names:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:40] + bytes([content[40] ^ 2]) + content[41:])
        with pytest.raises(UserError) as caught:
            list(inventory._of_results(tmp_path / "runs"))
        assert name in str(caught.value) and "\n" not in str(caught.value)
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("content", [b"\xff\xfe\0\1" * 9, b"", b'key\n"a'])
def test_a_table_of_the_user_s_that_cannot_be_read_is_named(tmp_path, content):
    file = tmp_path / "mine" / "own" / "notes.csv"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"notes\.csv cannot be read, so nothing is known"):
        list(inventory._of_results(tmp_path))


@pytest.mark.parametrize(
    "change", [{"base": 0}, {"base": -1e-3}, {"sparsest": 1}, {"sparsest": -1}, {"lowest": 1}]
)
def test_a_rule_of_no_rate_is_refused(change, tmp_path):
    document = {
        "base": 1e-3, "exponent": 0.5, "low": 0.1, "high": 0.9, "sparsest": 0.9, "lowest": 1e-4,
        "highest": 1e-2,
    }  # fmt: skip
    assert rule_from(document, tmp_path)(0.99) > 0
    with pytest.raises(DamagedFileError, match="holds a rule of no rate"):
        rule_from({**document, **change}, tmp_path)


def test_a_table_that_is_gone_is_missed(written, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(written["studies"], folder)
    (folder / "layers.csv").unlink()
    with pytest.raises(DamagedFileError, match=r"layers\.csv"):
        load_study(folder)


# Those of new seeds, of the note's networks and of criteria came later.
LATER = {"new_seeds", "note_longer", "criteria"}
EARLIER = [path for path in SHOWN if not LATER & set(path.parts)]


@pytest.mark.parametrize("data", EARLIER, ids=lambda path: path.name)
def test_folders_of_earlier_versions_are_read(data):
    document = next(path for path in data.glob("*.json") if path.name != "rule.json")
    assert "files" not in json.loads(document.read_text())
    kind = {"study.json": "studies", "result.json": "transfers", "tuning.json": "tunings"}
    LOADERS[kind[document.name]](data)


def test_equal_studies_differ_in_their_timings_alone(tmp_path):
    folders = [write_study(tmp_path / name, levels=(0.36,)) for name in ("one", "other")]
    edit(folders[1], "timings.csv", lambda table: table.assign(seconds=table["seconds"] + 1))
    differing = {
        path.name
        for path in folders[0].iterdir()
        if path.read_bytes() != (folders[1] / path.name).read_bytes()
    }
    assert differing == {"timings.csv", "timings.json"}


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("test_accuracy", "inf", "is not finite"),
        ("val_loss", "-0.1", r"-0\.1 in line 5, column val_loss lies outside 0 to inf"),
        ("test_accuracy", "1.2", r"1\.2 in line 5, column test_accuracy lies outside 0 to 1"),
        ("seed", "1.5", r"1\.5 in line 5, column seed is no whole number"),
        ("seed", "", r"line 5 has no seed"),
        ("part", "gird", r"part 'gird' in line 5, column part is none of dense, grid"),
        ("total", "12a", r"'12a' in line 5, column total is no number"),
    ],
)
def test_a_value_that_cannot_be_is_named(tmp_path, column, value, message):
    folder = write_study(tmp_path, levels=(0.36,), controls=False, optional=False)
    table = pd.read_csv(folder / "cells.csv", dtype=str)
    table.loc[3, column] = value
    table.to_csv(folder / "cells.csv", index=False)
    with pytest.raises(DamagedFileError, match=message) as caught:
        load_study(folder)
    assert "\n" not in str(caught.value) and "cells.csv" in str(caught.value)


def test_what_tflottery_writes_itself_is_known():
    row = {
        "method": "iterative", "init": "original", "level": 0.5, "seed": 1,
        "tensor": "lstm_forward_1/kernel", "remaining": 1, "total": 2,
    }  # fmt: skip
    assert len(LAYERS.frame([{**row, "gate": gate} for gate in ("", *GATES)], only_known=True)) == 5
    with pytest.raises(ValueError, match="gate 'cell' in line 2, column gate is none of"):
        LAYERS.frame([{**row, "gate": "cell"}], only_known=True)
    # An architecture of one's own has gates of its own.
    assert len(LAYERS.frame([{**row, "gate": "cell"}])) == 1
    with pytest.raises(ValueError, match="has no column gates"):
        LAYERS.frame([{**row, "gates": "input"}])


def test_the_columns_of_a_run_are_those_that_are_measured():
    assert [column.name for column in MEASURED] == measures.MEASURED


@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), st.floats(0, 1)),
        min_size=1,
    )
)
def test_a_table_is_read_as_it_was_written(tmp_path_factory, given_rows):
    schema = Schema("table", (Column("a", "text"), Column("b", "number", 0, 1)), "make")
    folder = tmp_path_factory.mktemp("table")
    frame = schema.frame({"a": text, "b": value} for text, value in given_rows)
    (folder / schema.file).write_text(schema.csv(frame), encoding="utf-8", newline="")
    found = schema.read(folder)
    assert found["b"].tolist() == frame["b"].tolist()
    assert found["a"].tolist() == [one_line(text) for text in frame["a"]]


def _near(value):
    """Equal to what differs by the order of a sum, or by another release's t distribution, alone:
    an interval's end near 0 is the difference of two larger numbers."""
    if isinstance(value, dict):
        return {key: _near(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_near(item) for item in value]
    is_float = isinstance(value, (float, np.floating))
    return pytest.approx(float(value), rel=1e-9, abs=1e-9, nan_ok=True) if is_float else value


@pytest.mark.parametrize("data", [path for path in SHOWN if (path / "result.json").exists()])
def test_the_shown_transfers_are_judged_the_same(data):
    result = load_transfer(data)
    arms, gains = judge(result.cells[result.cells["state"] == "done"].to_dict("records"))
    assert arms == _near(result.about["arms"])
    assert gains == _near(result.about["gains"])
    overlap = mean_overlap(result.overlap.to_dict("records"))
    assert overlap == _near(result.about["overlap"])


@pytest.mark.parametrize("data", [path for path in SHOWN if (path / "tuning.json").exists()])
def test_the_shown_searches_are_judged_the_same(data):
    result = load_tuning(data)
    about = result.about
    rows = TRIALS.read(data).to_dict("records")
    own = dict(about["cells"][0]["own"])
    own = {
        name: own[name] for name in ("learning_rate", "warmup", "decay", "batch_size", "dropout")
    }
    cells, comparisons = judge_trials(rows, own, len(about["seeds"]), about["tolerance"])
    assert cells == _near(about["cells"])
    assert comparisons == _near(about["comparisons"])


def test_reading_results_loads_no_trainer():
    code = (
        "import sys\n"
        "from tflottery.experiments import reports\n"
        "from tflottery.experiments.learning_rate import results\n"
        "heavy = ('tensorflow', 'tf_keras', 'keras', 'keras_tuner', 'tflottery.training', "
        "'tflottery.models', 'tflottery.data', 'tflottery.runs', 'tflottery.pruning', "
        "'tflottery.cli', 'matplotlib.pyplot')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"
