"""bin/export on a real ticket: compact, structured, compared."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import tflottery
from tests.conftest import write_reviews
from tflottery.cli import export, find_ticket, predict
from tflottery.errors import UserError
from tflottery.exports.fast import candidates, unit_costs, units
from tflottery.exports.publishing import Published
from tflottery.tickets.plan import Plan

COSTS = ("embedding", "conv_2", "conv_3")
CONFIG = """
[data]
dataset = "mine.csv"
vocabulary_size = 40
max_length = 12

[model]
name = "cnn"
embedding = 8
widths = [2, 3]
filters = 8

[training]
learning_rate = 0.01
epsilon = 1e-5
batch_size = 16
epochs = 4
"""


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    """A folder with reviews, a store and the ticket of a search."""
    folder = tmp_path_factory.mktemp("work")
    write_reviews(folder / "mine.csv")
    (folder / "mine.toml").write_text(CONFIG)
    with inside(folder):
        assert (
            find_ticket.main(["--config", "mine.toml", "--sparsity", "0.6", "--rate", "0.6"]) == 0
        )
    return folder


@pytest.fixture(autouse=True)
def here(work, monkeypatch) -> Path:
    monkeypatch.chdir(work)
    return next((work / "tickets").glob("mine-cnn-iterative-original-0.60[01]-*"))


def stored(folder: Path) -> list[np.ndarray]:
    reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    return [
        reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if not name.startswith("_")
    ]


def test_compact_gives_the_same_scores_from_fewer_numbers(here, capsys):
    assert export.main([str(here), "--name", "small", "--compact"]) == 0
    printed = capsys.readouterr().out
    assert "of all 16 test texts within" in printed and "docker run" in printed
    whole = sum(weight.size for weight in tflottery.load_ticket(here).final_weights.values())
    assert sum(tensor.size for tensor in stored(Path("saved_models/small/1"))) < whole
    assert predict.main(["great fun and heart", "--model", "saved_models/small"]) == 0
    assert capsys.readouterr().out.startswith(("pos\t0.", "neg\t0."))


def test_what_is_exported_says_how_it_is_served_and_asked(here, capsys, monkeypatch):
    def publish(ticket, base, *_):
        return Published(base / "1", "Checked.")

    monkeypatch.setattr("tflottery.exports.publishing.publish", publish)
    assert export.main([str(here), "--name", "asked"]) == 0
    printed = capsys.readouterr().out
    done = tflottery.export(here, name="asked", progress=False)
    texts = pd.read_csv("mine.csv")["text"]
    assert any(" ".join(text.split()).startswith(done.example) for text in texts)
    (docker, compose), (curl, predict_here) = done.serve, done.ask
    assert printed.endswith(
        f"Serve:  {docker}\n        or {compose}\nAsk:    {curl}\n        or {predict_here}\n"
    )
    assert docker.startswith("docker run ") and done.example in curl
    assert compose == "docker compose -f saved_models/asked/compose.yaml up"
    assert predict_here == f"bin/predict '{done.example}' --model saved_models/asked"


def test_a_threshold_that_a_next_version_lacks_is_told(here, capsys, monkeypatch):
    def publish(ticket, base, *_):
        return Published(base / "3", "Checked.")

    monkeypatch.setattr("tflottery.exports.publishing.publish", publish)
    for version, limit in ((1, 0.9), (2, 0.3)):
        folder = Path(f"saved_models/decided/{version}")
        folder.mkdir(parents=True)
        (folder / "threshold.json").write_text(json.dumps({"threshold": limit}))
    assert export.main([str(here), "--name", "decided"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Version 2 has a threshold of its own (0.3)" in said and "--keep" in said
    for content in ('{"threshold": 0.5}', "{", "[]"):
        Path("saved_models/decided/2/threshold.json").write_text(content)
        assert not tflottery.export(here, name="decided", progress=False).remarks
    Path("saved_models/decided/2/threshold.json").unlink()
    assert not tflottery.export(here, name="decided", progress=False).remarks


def test_structured_prunes_whole_units_with_the_ticket_s_recipe(here, capsys, monkeypatch):
    flags = [str(here), "--structured", "--sparsity", "0.5", "--name", "fast"]
    assert export.main(flags) == 0
    printed = capsys.readouterr().out
    assert "round" in printed and "within" in printed
    (folder,) = [path for path in Path("tickets").iterdir() if path.name != here.name]
    ticket = tflottery.load_ticket(folder)
    given = json.loads((here / "ticket.json").read_text())
    assert ticket.about["criterion"] == "filters"
    assert ticket.about["dense_run_key"] == given["dense_run_key"]
    shapes = {tensor.shape for tensor in stored(Path("saved_models/fast/1"))}
    assert {(2, 4, 4), (3, 4, 4), (8, 1)} <= shapes
    # All trainings are in the store now.
    monkeypatch.setattr("tflottery.exports.publishing.publish", lambda *_: Published(folder, ""))
    assert export.main(flags) == 0
    assert "Trained nothing" in capsys.readouterr().out


def test_structured_prunes_units_by_the_level_of_the_weights_that_compete(here, monkeypatch):
    ticket = tflottery.load_ticket(here)
    # If the embedding is excluded, few of all weights are pruned, but many of those that compete.
    excluded = dataclasses.replace(ticket, about={**ticket.about, "sparsity": 0.05})
    plans: list[Plan] = []

    def search(planned: list[Plan], *_: object) -> None:
        plans.extend(planned)
        raise UserError("that was the plan")

    monkeypatch.setattr("tflottery.experiments.ticket.run.search_and_write", search)
    with pytest.raises(UserError, match="that was the plan"):
        tflottery.export(excluded, structured=True)
    assert [level.sparsity for level in plans[0].levels] == [0.6]
    assert plans[0].dense.key == ticket.about["dense_run_key"]


@pytest.mark.parametrize(
    ("about", "line"),
    [({"scope": "lamp"}, "--scope layerwise in place of lamp"),
     ({"criterion": "slimming", "slimming": 0.01}, "no pruning.slimming")],
)  # fmt: skip
def test_structured_says_what_has_no_meaning_for_units(here, monkeypatch, capsys, about, line):
    ticket = tflottery.load_ticket(here)
    other = dataclasses.replace(ticket, about={**ticket.about, **about})

    def search(planned: list[Plan], *_: object) -> None:
        assert planned[0].dense.key == ticket.about["dense_run_key"]
        raise UserError("that was the plan")

    monkeypatch.setattr("tflottery.experiments.ticket.run.search_and_write", search)
    with pytest.raises(UserError, match="that was the plan"):
        tflottery.export(other, structured=True, sparsity=0.5)
    assert line in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--compare", "--store", "elsewhere"], "is not in elsewhere/; give --store"),
        (["--sparsity", "0.5"], "--sparsity goes with --structured"),
        (["--structured", "--sparsity", "half"], "--sparsity takes a number"),
        (["--structured", "--sparsity", "0.5", "--version", "5"], "5 is there already"),
        (["--compare", "--version", "3"], "leave --compact and --version out"),
        (["--compare", "--format", "onnx"], "leave --format out"),
        (["--format", "onxx"], "Did you mean 'onnx'"),
        (["--quantize", "int8"], "add --format tflite"),
        (["--budget", "fast"], "is no budget; write"),
        (["--budget", "accuracy 0.3"], "from 0 down, as -0.3"),
        (["--budget", "throughput 2x", "--structured"], "leave --structured out"),
        (["--budget", "throughput 2x", "--compare"], "are different things to do; give one"),
        (["--dry_run"], "--dry_run goes with --budget"),
        (["--frontier", "--compact"], "--frontier publishes nothing"),
        (["--frontier", "--store", "elsewhere"], "is not in elsewhere/; give --store"),
        (["--unit_costs", "--version", "3"], "--unit_costs publishes nothing"),
        (["--unit_costs", "--name", "mine"], "only --ticket, --store and --data_dir go"),
        (["--unit_costs", "--output", "mine"], "only --ticket, --store and --data_dir go"),
        (["--unit_costs", "--store", "mine.csv/runs"], "give --store another place"),
        (["--budget", "size 2x", "--store", "mine.csv/runs"], "give --store another place"),
        (["--structured", "--store", "mine.csv/runs"], "give --store another place"),
    ],
)
def test_a_users_mistake_is_one_line_before_tensorflow_and_leaves_nothing(
    here, monkeypatch, capfd, flags, message
):
    monkeypatch.setattr("tflottery.startup.start_tensorflow", None)
    Path("saved_models/mine-cnn/5").mkdir(parents=True, exist_ok=True)
    before = sorted(Path.cwd().rglob("*"))
    assert export.main([str(here), *flags]) == 2
    errors = capfd.readouterr().err
    assert message in errors and errors.count("\n") == 1
    assert sorted(Path.cwd().rglob("*")) == before


@contextmanager
def other_data() -> Iterator[None]:
    """The ticket's file has other content than it had."""
    original = Path("mine.csv").read_bytes()
    try:
        write_reviews(Path("mine.csv"), copies=13)
        yield
    finally:
        Path("mine.csv").write_bytes(original)


@pytest.mark.parametrize("flags", [["--compact"], ["--format", "tflite", "--quantize", "int8"]])
def test_other_data_than_the_ticket_s_are_refused_where_they_are_needed(here, capfd, flags):
    with other_data():
        assert export.main([str(here), *flags, "--name", "other", "--store", "new"]) == 2
    assert "mine.csv has other content than it had" in capfd.readouterr().err
    assert not Path("saved_models/other").exists()


@pytest.mark.parametrize("flags", [["--budget", "size 2x"], ["--structured"]])
def test_other_data_are_refused_before_anything_is_measured_or_tensorflow_begins(
    here, capfd, monkeypatch, flags
):
    monkeypatch.setattr("tflottery.startup.start_tensorflow", None)
    monkeypatch.setattr(unit_costs, "_measure", None)
    with other_data():
        assert export.main([str(here), *flags, "--name", "other", "--store", "new"]) == 2
    assert "mine.csv has other content than it had" in capfd.readouterr().err
    assert not Path("saved_models/other").exists() and not Path("new/unit_costs").exists()


def test_every_export_is_compared_on_all_test_texts(here, capsys):
    assert export.main([str(here), "--name", "plain", "--format", "onnx"]) == 0
    printed = capsys.readouterr().out
    assert "scores of 11 texts and of all 16 test texts within" in printed
    assert "kB: scores of all 16 test texts within" in printed and "accuracy" in printed
    assert "## What decides a class" in Path("saved_models/plain/1/model_card.md").read_text()


def test_without_its_data_a_ticket_is_exported_all_the_same(here, capsys, monkeypatch):
    monkeypatch.setattr("tflottery.exports.publishing.verify", lambda *_: 0.0)
    flags = ["--name", "dataless", "--format", "onnx", "--store", "new"]
    with other_data():
        assert export.main([str(here), *flags]) == 0
    printed = capsys.readouterr().out
    (line,) = [one for one in printed.splitlines() if "cannot be had" in one]
    assert line.startswith("Compared on a few texts, and no words") and "mine.csv has other" in line
    assert "kB: scores of 11 texts within" in printed and "accuracy" not in printed
    card = Path("saved_models/dataless/1/model_card.md").read_text()
    assert "scores of 11 texts within" in card and "What decides" not in card


def test_a_budget_says_its_price_and_trains_nothing(here, capsys):
    before = sorted(Path.cwd().rglob("*"))
    assert export.main([str(here), "--budget", "throughput 2x", "--dry_run"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "throughput 2x: 34 trainings at most, 33 of them to do" in printed
    assert sorted(Path.cwd().rglob("*")) == before


@pytest.mark.long
def test_a_budget_that_is_not_met_leaves_what_comes_nearest(here, capfd, monkeypatch):
    rows = candidates.ROWS[:1]
    monkeypatch.setattr(candidates, "ROWS", rows)
    monkeypatch.setattr(candidates, "DEEPEST", 0.36)
    monkeypatch.setattr(unit_costs, "_measure", lambda *_: (dict.fromkeys(COSTS, 1.0), 9.0))
    flags = [str(here), "--name", "budget", "--format", "tflite"]
    assert export.main([*flags, "--budget", "throughput 999x"]) == 1
    printed = capfd.readouterr()
    assert "throughput 999x: not met by" in printed.err
    assert Path("saved_models/budget/1/model.tflite").exists()
    assert export.main([*flags, "--budget", "accuracy -99"]) == 0
    said = " ".join(capfd.readouterr().out.split())
    assert "accuracy -99: met by" in said and "points of test accuracy (95 % interval" in said
    assert "times smaller" in said and "budget-2.md, budget-2.csv" in said
    for version, met in ((1, False), (2, True)):
        measured = pd.read_csv(f"saved_models/budget/budget-{version}.csv")
        assert (measured["meets"] == met).all() and measured["chosen"].sum() == 1
        assert Path(f"saved_models/budget/budget-{version}.md").exists()
    (found,) = Path("runs/unit_costs").iterdir()
    assert found.name.startswith("cnn-")
    assert export.main([str(here), "--name", "budget", "--frontier"]) == 0
    with Path("saved_models/budget/frontier.csv").open() as stream:
        shown = list(csv.DictReader(stream))
    assert shown[0]["pruned"] == "dense" and float(shown[0]["times_dense"]) == 1
    assert {"weights", rows[0].name} <= {row["pruned"] for row in shown}
    assert {row["form"] for row in shown} == {"SavedModel", *units.PRECISIONS}
    for file in ("frontier.md", "frontier-throughput.svg", "frontier-size.png"):
        assert Path(f"saved_models/budget/{file}").stat().st_size > 500


@pytest.mark.long
def test_a_ticket_that_meets_a_budget_of_size_is_exported_as_it_is(here, capfd, monkeypatch):
    monkeypatch.setattr("tflottery.exports.fast.choosing._Search.walk", lambda *_: None)
    monkeypatch.setattr(unit_costs, "_measure", lambda *_: (dict.fromkeys(COSTS, 1.0), 9.0))
    before = sorted(Path("tickets").iterdir())
    flags = [str(here), "--name", "small-file", "--format", "tflite"]
    assert export.main([*flags, "--budget", "size 1x"]) == 0
    said = " ".join(capfd.readouterr().out.split())
    assert "size 1x: met by the given ticket, " in said and "% of weights pruned, TFLite" in said
    assert sorted(Path("tickets").iterdir()) == before
    assert Path("saved_models/small-file/1/model.tflite").exists()


@pytest.mark.long
def test_compare_measures_every_variant(here, capsys):
    assert export.main([str(here), "--compare", "--structured", "--name", "table"]) == 0
    assert "Zeros save no time" in capsys.readouterr().out
    with Path("saved_models/table/comparison.csv").open() as stream:
        rows = {row["variant"]: row for row in csv.DictReader(stream)}
    lite = ["TFLite", "TFLite float16", "TFLite int8", "TFLite int8-full"]
    assert list(rows) == ["dense", "sparse", "compact", "structured", *lite, "ONNX"]
    sizes = {name: int(row["gzip_bytes"]) for name, row in rows.items()}
    assert sizes["sparse"] < sizes["dense"]
    assert int(rows["compact"]["numbers"]) < int(rows["sparse"]["numbers"])
    assert rows["compact"]["test_accuracy"] == rows["sparse"]["test_accuracy"]
    for same in ("TFLite", "ONNX"):
        assert rows[same]["test_accuracy"] == rows["sparse"]["test_accuracy"]
    for row in rows.values():
        assert 0 < float(row["p50_ms_batch_1"]) <= float(row["p99_ms_batch_1"])
        assert float(row["texts_per_second"]) > 0 and int(row["memory_bytes"]) > 0
    assert [path.name for path in Path("saved_models/table").iterdir() if path.is_dir()] == []
