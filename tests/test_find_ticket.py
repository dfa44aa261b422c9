"""bin/find_ticket as a user meets it: real processes, toy data, bad input, Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

import tflottery
from tests.conftest import ROOT, SHARED, user_environment, write_reviews
from tests.terminal import seen_on_terminal
from tflottery.cli import find_ticket
from tflottery.tickets.verdict import OUTCOMES

QUICK = ["--dataset", "toy", "--set", "training.epochs=2"]
REQUIRED = {
    "format_version", "dataset", "model", "method", "init", "seed", "sparsity",
    "learning_rate", "found_learning_rate",
    "sparsity_without_embedding", "per_layer", "dense_test_accuracy", "ticket_test_accuracy",
    "reinit_test_accuracy", "verdict", "run_key", "versions", "sentence", "intervals", "texts",
    "baseline", "seeds", "by_seed", "cautions",
}  # fmt: skip


def check_logs(logs, store):
    """TensorBoard reads of each run what the store holds."""
    for folder in logs.iterdir():
        (run,) = store.glob(f"{folder.name[-8:]}*")
        history = json.loads((run / "run.json").read_text())["history"]
        events = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
        for name in ("loss", "val_accuracy"):
            written = [
                (event.step, float(make_ndarray(event.tensor_proto)))
                for event in events.Tensors(name)
            ]
            assert written == [(row["step"], pytest.approx(row[name])) for row in history]
    assert any(folder.name.startswith("dense-") for folder in logs.iterdir())


@pytest.mark.parametrize("model", ["cnn", pytest.param("lstm", marks=pytest.mark.long)])
def test_end_to_end_on_toy_reviews(command, tmp_path, model):
    flags = [*QUICK, "--model", model, "--sparsity", "0.36"]
    if model == "lstm":
        flags += ["--method", "one_shot", "--init", "rewind:20it", "--seed", "3"]
    logs = tmp_path / "logs"
    first = command("find_ticket", *flags, "--tensorboard", logs)
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    check_logs(logs, tmp_path / "runs")
    rounds = 2 if model == "cnn" else 1
    for name in ("dense", *(f"round {number}" for number in range(1, rounds + 1)), "reinit"):
        assert re.search(rf"/{rounds + 2} {name}", first.stdout)
    assert "Toy reviews are generated" in first.stdout
    # The sentence below the table may have a line that begins with the word.
    table = re.findall(r"^ *reinit +[\d.]+ +[\d,]+ .*$", first.stdout, re.MULTILINE)
    shown = first.stdout.split("round   ")[-1].split("Ticket: ")[0].splitlines()
    assert len(table) == 1 and max(map(len, shown)) <= 80

    (folder,) = (tmp_path / "tickets").iterdir()
    about = json.loads((folder / "ticket.json").read_text())
    assert set(about) >= REQUIRED
    assert about["sparsity"] == pytest.approx(0.36, abs=1e-4)
    assert about["verdict"] in OUTCOMES
    assert about["sentence"] in " ".join(first.stdout.split())
    assert {row["comparison"] for row in about["intervals"]} >= {"ticket - dense"}
    assert [row["round"] for row in about["rounds"]] == list(range(1, rounds + 1))
    assert about["rounds"][-1]["test_accuracy"] == about["ticket_test_accuracy"]
    record = json.loads((tmp_path / "runs" / about["run_key"] / "run.json").read_text())
    assert record["metrics"]["test_accuracy"] == about["ticket_test_accuracy"]
    assert tflottery.load_ticket(folder).build().name == model

    second = command("find_ticket", *flags)
    assert second.returncode == 0 and "Trained nothing" in second.stdout
    assert "epoch" not in second.stdout
    assert [path.name for path in (tmp_path / "tickets").iterdir()] == [folder.name]

    dry = command("find_ticket", *flags, "--dry_run")
    assert dry.returncode == 0 and "To train: 0 of" in dry.stdout


def test_a_users_own_reviews(command, tmp_path):
    write_reviews(tmp_path / "mine.csv")
    flags = ["--sparsity", "0.2", "--set", "training.epochs=1", "--set", "model.filters=4"]
    done = command("find_ticket", "--dataset", "mine.csv", *flags)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "tickets").iterdir()
    assert folder.name.startswith("mine-cnn-iterative-original-0.200-seed1-")
    assert tflottery.load_ticket(folder).classes == ("neg", "pos")


def test_dry_run_trains_and_writes_nothing(command, tmp_path):
    done = command("find_ticket", *QUICK, "--rate", "0.2", "--sparsity", "0.488", "--dry_run")
    assert done.returncode == 0 and "To train: 5 of 5 runs" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--dataset", "imbd"], "No data set 'imbd'. Did you mean 'imdb'"),
        (["--dataset", "none.csv"], "There is no file none.csv"),
        (["--dataset", "bad.csv"], "bad.csv, line 3: the text is empty"),
        (["--dataset", "toy", "--model", "cnnn"], "There is no model 'cnnn'"),
        (["--dataset", "toy", "--set", "training.epoch=3"], "Did you mean 'epochs'"),
        (["--dataset", "toy", "--metric", "macro_f"], "Did you mean 'macro_f1'"),
        (
            ["--dataset", "toy", "--set", "training.monitor=val_f"],
            "training.monitor is not 'val_f'",
        ),
        (["--dataset", "toy", "--sparsity", "83.2"], "in [0, 1), not 83.2"),
        (["--dataset", "toy", "--sparsity", "lots"], "--sparsity takes a number"),
        (
            ["--dataset", "toy", "--learning_rate", "fast"],
            "--learning_rate takes a number, auto, or a rule's file, not 'fast'",
        ),
        (["--dataset", "toy", "--init", "rewind:9ep"], "lies beyond the training"),
        (
            ["--dataset", "toy", "--init", "rewind:9999it"],
            "The step 9999it lies beyond the training",
        ),
        (["--dataset", "toy", "--config", "nowhere.toml"], "no configuration 'nowhere.toml'"),
        (["--dataset", "toy", "--seed", "-1"], "--seed takes a whole number"),
        (["--dataset", "toy", "--seeds", "0"], "--seeds takes a whole number from 1 on"),
        (["--dataset", "toy", "--seeds", "two"], "--seeds takes a number of seeds"),
        (["--dataset", "toy", "--store", "."], "is a folder of other things"),
        (["--dataset", "toy", "--output", "bad.csv"], "is no folder to write to"),
        (["--dataset", "imdb", "--data_dir", "nowhere"], "is not there"),
        (["--datset", "toy"], "no flag --datset. Did you mean '--dataset'"),
        (["toy"], "'toy' belongs to no flag"),
        (["--dry_run=perhaps"], "dry_run"),
        (["--dataset", "toy", "--method", "rigl", "--scope", "lamp"], "choose layerwise, erk"),
        (
            ["--dataset", "toy", "--method", "set", "--sparsity", "0.8", "--rate", "0.1"],
            "leave out --rate 0.1",
        ),
        (
            ["--dataset", "toy", "--method", "rigle"],
            "pruning.method is not 'rigle'. Did you mean 'rigl'?",
        ),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_two(
    tmp_path, monkeypatch, capfd, flags, message
):
    (tmp_path / "bad.csv").write_text("text,label\nx,1\n ,0\n")
    monkeypatch.chdir(tmp_path)
    assert find_ticket.main(flags) == 2
    errors = capfd.readouterr().err
    assert message in errors and errors.startswith("find_ticket: ")
    assert errors.count("\n") == 1 and "Traceback" not in errors
    assert not (tmp_path / "tickets").exists()
    assert not list((tmp_path / "runs").glob("[!.]*/run.json"))


def test_a_mistake_in_a_process_of_its_own(command, tmp_path):
    done = command("find_ticket", "--dataset", "toy", "--set", "training.epoch=3")
    # A slow machine says that it is at work.
    assert done.returncode == 2 and done.stdout in ("", "starting\n")
    assert done.stderr.startswith("find_ticket: There is no key training.epoch. ")
    assert done.stderr.count("\n") == 1 and list(tmp_path.iterdir()) == []


def test_help_is_there_without_tensorflow(command):
    done = command("find_ticket", "--help")
    assert done.returncode == 0 and done.stderr == ""
    for flag in (
        "dataset", "data_dir", "config", "set", "model", "method", "rate", "sparsity", "init",
        "scope", "seed", "store", "output", "dry_run", "metric",
    ):  # fmt: skip
        assert f"--{flag}" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_the_wrapper_scripts_run_their_command(tmp_path):
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        [ROOT / "bin" / "find_ticket", "--dataset", "imbd"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "Did you mean 'imdb'" in done.stderr
    listed = subprocess.run(
        [sys.executable, "-m", "tflottery.cli", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    scripts = {path.name for path in (ROOT / "bin").iterdir()}
    assert scripts == {line.split()[0] for line in listed.stdout.splitlines() if line[:2] == "  "}


def test_ctrl_c_says_what_is_kept_and_the_same_command_goes_on(command, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "tflottery.cli.find_ticket", *QUICK, "--sparsity", "0.36"],
        cwd=tmp_path, env=user_environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 240
    while not list((tmp_path / "runs").glob("[!.]*/run.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert errors == (
        "find_ticket: interrupted. Finished trainings are kept in runs/; the same command goes on "
        "from there.\n"
    )
    assert not list((tmp_path / "runs").glob(".staging-*"))
    again = command("find_ticket", *QUICK, "--sparsity", "0.36")
    assert again.returncode == 0 and "1/4 dense: in the store already" in again.stdout


@pytest.mark.long
def test_on_a_terminal_the_view_is_live(tmp_path):
    text = seen_on_terminal(
        [sys.executable, "-m", "tflottery.cli.find_ticket", *QUICK, "--sparsity", "0.2"],
        tmp_path, COLUMNS="100",
    )  # fmt: skip
    assert re.search(r"epoch [12]/2: ", text) and "left" in text and "\x1b[" in text
    assert "Ticket: tickets/toy-cnn" in text


@pytest.mark.skipif(not SHARED.is_dir(), reason="the prepared IMDB is not beside this checkout")
def test_the_real_imdb_can_be_planned(command):
    done = command("find_ticket", "--data_dir", str(SHARED), "--sparsity", "0.832", "--dry_run")
    assert done.returncode == 0 and "To train: 10 of 10 runs" in done.stdout
