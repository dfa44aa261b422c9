"""The view of trainings that go on, one or several at a time."""

from __future__ import annotations

import dataclasses
import io
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console

from tflottery import activity, status
from tflottery.data.settings import DataSettings
from tflottery.models.shipped.cnn import Cnn
from tflottery.progress import notebooks
from tflottery.progress.consoles import open_console
from tflottery.progress.lines import Lines
from tflottery.progress.live import Live
from tflottery.progress.notebooks import Notebook
from tflottery.progress.reporter import Reporter
from tflottery.progress.times import time_for
from tflottery.runs.recipes import Recipe
from tflottery.runs.run import Run
from tflottery.runs.specs import Dense, Fresh, RunSpec
from tflottery.training.settings import TrainingSeeds, TrainingSettings

RECIPE = Recipe(DataSettings(fingerprint="f"), Cnn(), TrainingSettings())
SPECS = [RunSpec(RECIPE, Dense(), Fresh(seed), TrainingSeeds(seed, seed)) for seed in range(20)]
LOGS = {"loss": 0.5, "accuracy": 0.75, "val_loss": 0.6, "val_accuracy": 0.7}


@dataclasses.dataclass(frozen=True)
class Finished(Run):
    """A run that took ten seconds."""

    record = {"seconds": 10.0, "metrics": {"val_accuracy": 0.7}}


def run_of(spec: RunSpec) -> Run:
    return Finished(spec.key, Path())


def label(spec: RunSpec) -> str:
    return f"seed {spec.init.seed}"


def test_lines_of_trainings_that_go_on_at_once_keep_apart():
    stream = io.StringIO()
    view = Reporter(Console(file=stream, highlight=False)).watch(
        label, total=5, may_end_early=False
    )
    assert isinstance(view, Lines)
    one, two, three, four, _ = SPECS[:5]
    with view:
        view.run_found(four, run_of(four))
        view.run_begun(one)
        view.run_begun(two)
        view.step_ended(one, 5, 10, LOGS)
        view.validated(two, 1.0, 2, LOGS)
        view.validated(one, 1.0, 2, LOGS)
        view.run_ended(one, run_of(one))
        view.run_stopped(two, "its worker was lost (SIGKILL); taken again")
        view.run_begun(two)
        view.run_ended(two, run_of(two))
        view.run_stopped(three, "the loss is not finite")
        view.run_found(one, run_of(one))
    said = stream.getvalue().splitlines()
    one_title, two_title = "2/5 seed 0", "3/5 seed 1"
    titles = [line.split(":")[0] for line in said]
    assert titles == ["1/5 seed 3", two_title, one_title, one_title, two_title, two_title, "seed 2"]
    # Two are left of five; two go on at a time, one of them is as good as new.
    assert said[3].endswith("validation 70.00 %, 0:10; 0:15 left")
    assert said[4].endswith("taken again") and view.trained == 2


@pytest.mark.parametrize("count", [2, 20])
def test_the_live_view_has_a_bar_a_training_but_no_more_than_fit(count):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, height=40, highlight=False)
    view = Reporter(console).watch(label, total=25, may_end_early=False)
    assert isinstance(view, Live)
    with view:
        for spec in SPECS[:count]:
            view.run_begun(spec)
            view.step_ended(spec, 20, 40, LOGS)
            view.validated(spec, 1.0, 2, LOGS)
        view._progress.refresh()
        shown = [task for task in view._progress.tasks if task.visible]
        assert len(shown) == min(count, 12) + 1  # and the one of the whole plan
        assert ("8 more go on" in stream.getvalue()) == (count == 20)
        view.run_ended(SPECS[0], run_of(SPECS[0]))
        view.run_stopped(SPECS[1], "the loss is not finite")
        assert len(view._progress.tasks) == count  # two fewer, and two that are always there
        assert view._progress.tasks[0].completed == 2
    assert "seed 1: the loss is not finite" in stream.getvalue()


@pytest.mark.parametrize("terminal", ["dumb", "xterm"])
def test_a_label_is_shown_as_it_is(terminal, capsys, monkeypatch):
    monkeypatch.setenv("TERM", terminal)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    if terminal == "xterm":
        monkeypatch.setenv("FORCE_COLOR", "1")
    view = Reporter(open_console()).watch(
        lambda spec: "rewind:end: [b]x", total=2, may_end_early=False
    )
    assert isinstance(view, Live if terminal == "xterm" else Lines)
    with view:
        view.run_begun(SPECS[0])
        view.validated(SPECS[0], 1.0, 2, LOGS)
        if isinstance(view, Live):
            view._progress.refresh()
        view.run_stopped(SPECS[0], "out of [b]memory")
    said = capsys.readouterr().out
    assert "1/2 rewind:end: [b]x" in said and "out of [b]memory" in said


def test_a_log_says_what_goes_on_beside_trainings_once_it_lasts(monkeypatch):
    monkeypatch.setattr(status, "_PATIENCE", 0.05)
    stream = io.StringIO()
    view = Reporter(Console(file=stream, highlight=False)).watch(
        label, total=5, may_end_early=False
    )

    def wait_for(text: str) -> None:
        deadline = time.monotonic() + 20
        while text not in stream.getvalue():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    one, two = SPECS[:2]
    with view:
        with activity.doing("encoding"):
            wait_for("encoding\n")
        view.run_begun(one)
        view.run_begun(two)
        view.testing(one)
        wait_for("1/5 seed 0: testing\n")
        view.testing(two)
        view.run_ended(one, run_of(one))
        view.run_stopped(two, "the loss is not finite")
        assert activity.now() is None
    assert len(stream.getvalue().splitlines()) == 4
    assert activity.listener() is activity.DEAF


def test_the_live_view_shows_what_goes_on_beside_trainings():
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, height=40, highlight=False)
    view = Reporter(console).watch(label, total=25, may_end_early=False)
    assert isinstance(view, Live)
    with view:
        waiting = view._progress.tasks[1]
        assert waiting.description == "preparing" and waiting.visible
        with activity.doing("encoding", total=4_000):
            activity.advance(1_000)
            assert waiting.description == "encoding: 1,000 of 4,000 texts"
            assert (waiting.completed, waiting.total) == (1_000, 4_000)
        assert waiting.description == "preparing" and waiting.total is None
        view.run_begun(SPECS[0])
        assert not waiting.visible
        with activity.doing("loading TensorFlow"):
            assert waiting.visible
        assert not waiting.visible
        view.validated(SPECS[0], 1.0, 2, LOGS)
        view.testing(SPECS[0])
        view._progress.refresh()
        assert "testing, epoch 1/2: 70.0 %" in stream.getvalue()
        view.run_ended(SPECS[0], run_of(SPECS[0]))


def test_a_guess_counts_epochs_and_workers():
    class Kept:
        def find(self, key: str) -> Run | None:
            return run_of(SPECS[0]) if key == SPECS[0].key else None

    an_epoch = 10 / RECIPE.training.epochs
    epochs = round(3600 / an_epoch)
    assert time_for(epochs, SPECS[:1], Kept()) == "about 1 h 00"
    assert time_for(epochs, SPECS[:1], Kept(), at_a_time=4) == "about 15:00 with 4 workers"
    assert time_for(epochs, SPECS[1:], Kept()) == "how long that takes is known after the first"


def test_a_notebook_shows_a_text_that_changes(monkeypatch):
    """A stand-in for IPython's display: what it shows first, and each update."""
    shown: list[str] = []

    class Handle:
        def update(self, data: dict[str, str], raw: bool) -> None:
            assert raw
            shown.append(data["text/plain"])

    lines: list[str] = []

    def display(data, raw: bool = False, display_id: bool = False) -> Handle | None:
        if not raw:  # rich's own, of a line
            lines.append(data.text)
            return None
        assert display_id
        shown.append(data["text/plain"])
        return Handle()

    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    stand_in = ModuleType("IPython.display")
    stand_in.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython.display", stand_in)
    monkeypatch.setattr(notebooks, "_SECONDS_BETWEEN_UPDATES", 0.0)
    console = Console(highlight=False, force_jupyter=True)
    view = Reporter(console).watch(label, total=3, may_end_early=False)
    assert isinstance(view, Notebook)
    one, two, three = SPECS[:3]
    with view:
        view.run_found(three, run_of(three))
        view.run_begun(one)
        view.step_ended(one, 5, 10, LOGS)
        view.validated(one, 1.0, 2, LOGS)
        view.testing(one)
        view.run_ended(one, run_of(one))
        view.run_begun(two)
        with activity.doing("encoding"):
            pass
        view.run_stopped(two, "the loss is not finite")
    assert shown[0] == "preparing" and "encoding" in "\n".join(shown)
    assert "2/3 seed 0: testing" in "\n".join(shown)
    assert "2/3 seed 0: 50 %, loss 0.500, accuracy 75.00 %" in "\n".join(shown)
    assert shown[-1] == "3 of 3 trainings; done now: 1"
    assert "".join(lines).strip() == "seed 1: the loss is not finite"
    assert view.trained == 1


def test_without_a_console_nothing_is_said(capsys):
    reporter = Reporter.of(False)
    reporter.say("a line")
    view = reporter.watch(label, total=1, may_end_early=True)
    with view, activity.doing("encoding"):
        view.run_begun(SPECS[0])
        view.step_ended(SPECS[0], 1, 2, LOGS)
        view.testing(SPECS[0])
        view.run_ended(SPECS[0], run_of(SPECS[0]))
    assert view.trained == 1 and capsys.readouterr() == ("", "")
    assert Reporter.of(reporter) is reporter
