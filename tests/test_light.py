"""What is answered without TensorFlow: settings, specs, stores, tables, reports, mistakes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import user_environment, write_reviews

HEAVY = ("tensorflow", "tf_keras", "tensorflow_model_optimization", "keras_tuner", "torch", "ray")
# Beside those, what a mistake in a flag or a name need not wait for.
SLOW = (*HEAVY, "pandas", "scipy", "matplotlib", "sklearn", "tensorflow_datasets")

MODULES = [
    "tflottery.settings",
    "tflottery.experiments.configuration",
    "tflottery.experiments.scaling",
    "tflottery.statistics",
    "tflottery.data.reading.sources",
    "tflottery.data.corpus",
    "tflottery.data.look.inspection",
    "tflottery.experiments.inspecting",
    "tflottery.models.registry",
    "tflottery.pruning.masks",
    "tflottery.pruning.criteria",
    "tflottery.training.settings",
    "tflottery.runs.recipes",
    "tflottery.runs.specs",
    "tflottery.runs.store",
    "tflottery.runs.realise",
    "tflottery.runs.executors",
    "tflottery.experiments.ticket.run",
    "tflottery.tickets.given",
    "tflottery.exports.export",
    "tflottery.exports.formats.registry",
    "tflottery.report",
    "tflottery.experiments.reports",
    "tflottery.experiments.learning_rate.judging",
    "tflottery.experiments.transfer.judging",
    "tflottery.experiments.study.run",
    "tflottery.experiments.study.measuring",
    "tflottery.experiments.transfer.run",
    "tflottery.experiments.transfer.measuring",
    "tflottery.experiments.learning_rate.run",
    "tflottery.experiments.learning_rate.measuring",
    "tflottery.tickets.rules",
]


def loaded(code: str, names: tuple[str, ...], folder, *arguments: str) -> list[str]:
    """Which of the modules a process has loaded when it has run the code."""
    check = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print('LOADED', *[n for n in {names!r} if n in sys.modules]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", check + code, *arguments],
        cwd=folder, env=user_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("LOADED")]
    assert lines, done.stderr
    return lines[0].split()[1:]


def test_rooms_that_train_nothing_import_no_tensorflow(tmp_path):
    found = {name: loaded(f"import {name}", HEAVY, tmp_path) for name in MODULES}
    assert found == {name: [] for name in MODULES}


def test_the_package_loads_nothing_until_it_is_used(tmp_path):
    code = "import tflottery as tfl; dir(tfl); tfl.UserError, tfl.find_ticket, tfl.Store"
    assert loaded(code, SLOW, tmp_path) == []


COMMAND = (
    "import sys\n"
    "from importlib import import_module\n"
    "sys.exit(import_module(f'tflottery.cli.{sys.argv[1]}').main(sys.argv[2:]))"
)


@pytest.mark.parametrize(
    ("command", "slow"),
    [
        (["find_ticket", "--help"], SLOW),
        (["find_ticket", "--datset", "toy"], SLOW),
        (["find_ticket", "--dataset", "nofile.csv"], SLOW),
        (["find_ticket", "--dataset", "mine.csv", "--config", "nowhere"], SLOW),
        (["find_ticket", "--dataset", "toy", "--plugin", "nofile.py"], SLOW),
        (["find_ticket", "--dataset", "toy", "--plugin", "nomodule"], SLOW),
        (["find_ticket", "--dataset", "toy", "--set", "training.epoch=3"], SLOW),
        (["find_ticket", "--dataset", "toy", "--init", "rewind:9ep"], SLOW),
        (["find_ticket", "--dataset", "mine.csv", "--set", "data.text_column=review"], HEAVY),
        (["find_ticket", "--dataset", "imbd"], HEAVY),
        (["find_ticket", "--dataset", "mine.csv", "--sparsity", "0.36", "--dry_run"], HEAVY),
        (["inspect", "--help"], SLOW),
        (["inspect", "--dataset", "nofile.csv"], SLOW),
        (["inspect", "--dataset", "mine.csv"], HEAVY),
        (["inspect", "--dataset", "chinese.csv"], HEAVY),
        (["export", "--help"], SLOW),
        (["export", "--ticket", "nowhere"], SLOW),
        (["export", "--budget", "fast"], SLOW),
        (["transfer", "--help"], SLOW),
        (["transfer", "--to", "toy", "--ticket", "nowhere"], HEAVY),
        (["tune_lr", "--help"], SLOW),
        (["tune_lr", "--ticket", "nowhere"], HEAVY),
        (["tune_lr", "--dataset", "toy", "--arms", "tickets"], HEAVY),
        (["study", "--help"], SLOW),
        (["study", "--config", "nowhere"], HEAVY),
        (["study", "--config", "study_toy", "--seeds", "1", "--dry_run"], HEAVY),
        (["report", "nowhere"], HEAVY),
        (["predict", "--help"], SLOW),
        (["predict", "text"], SLOW),
        (["predict", "--model", "nowhere", "--input", "mine.csv"], HEAVY),
        (["evaluate", "--help"], SLOW),
        (["evaluate", "--model", "nowhere"], HEAVY),
        (["evaluate", "--model", "nowhere", "--dataset", "mine.csv"], HEAVY),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_that_trains_nothing_answers_without_tensorflow(tmp_path, command, slow):
    write_reviews(tmp_path / "mine.csv")
    text = (tmp_path / "mine.csv").read_text().replace("fun", "\u5f88\u597d")
    (tmp_path / "chinese.csv").write_text(text, encoding="utf-8")
    assert loaded(COMMAND, slow, tmp_path, *command) == []
