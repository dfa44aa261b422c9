"""Plugins in workers: what a task brings along, and what is told where it cannot be made anew."""

from __future__ import annotations

import dataclasses
import importlib
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chains import RECIPE, dense
from tests.conftest import user_environment, write_reviews
from tests.registries import put_back
from tests.test_plugins import MINE
from tflottery import plugins
from tflottery.errors import UserError
from tflottery.metrics import METRICS
from tflottery.pruning.criteria import CRITERIA
from tflottery.pruning.masks import To
from tflottery.runs.carrying import plugins_of, require_carried
from tflottery.runs.inits import Snapshot
from tflottery.runs.pruned import Pruned
from tflottery.runs.shuffled import Shuffled
from tflottery.runs.specs import RunSpec
from tflottery.runs.store import Store
from tflottery.runs.tasks import Broken, Message, Task, _unpack, perform


@pytest.fixture(autouse=True)
def registries(tmp_path, monkeypatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(plugins.SWITCH, "none")
    with put_back():
        yield


def pruned(criterion: str = "mine") -> RunSpec:
    run = dense(RECIPE)
    return dataclasses.replace(run, mask=Pruned(run, To(0.5), criterion=criterion))


def test_a_task_brings_plugins_and_what_a_module_registered(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "other_plugin.py").write_text(MINE.replace("mine", "other").replace("half", "one"))
    monkeypatch.syspath_prepend(tmp_path)
    plugins.load("mine.py")
    importlib.import_module("other_plugin")
    spec = pruned("other").with_training(monitor="val_half")
    spec = dataclasses.replace(spec, mask=Shuffled(spec.mask, 1))
    assert plugins_of(spec) == (str(tmp_path / "mine.py"), "other_plugin")
    # What a run does not use may be broken by now.
    assert plugins_of(pruned("magnitude")) == ()
    child = dataclasses.replace(pruned("magnitude"), init=Snapshot(pruned("mine"), "0ep"))
    assert plugins_of(child) == (str(tmp_path / "mine.py"),)
    require_carried([spec])
    sent, key = pickle.dumps(Task(spec, ("end",))), spec.key
    with put_back():  # as in a worker, where nobody has loaded anything
        for known in (CRITERIA, METRICS):
            for name in ("mine", "other", "half", "one"):
                known.pop(name, None)
        sys.modules.pop("other_plugin")
        arrived = pickle.loads(sent)
        assert dataclasses.replace(arrived.spec).key == key and {"mine", "other"} <= set(CRITERIA)


def test_a_plugin_that_fails_in_a_worker_is_the_same_line(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    plugins.load("mine.py")
    sent = pickle.dumps(Task(pruned(), ("end",)))
    (tmp_path / "mine.py").write_text(f"import pandsa\n{MINE}")
    said: list[Message] = []
    with put_back():
        perform(pickle.loads(sent), Store(tmp_path / "runs"), said.append)
    (broken,) = said
    assert isinstance(broken, Broken) and isinstance(broken.error, UserError)
    assert str(broken.error) == (
        f"In a worker: The plugin {tmp_path / 'mine.py'} fails: ModuleNotFoundError: No module "
        "named 'pandsa' (line 1)."
    )


class Gone:
    """What cannot be made anew from what was sent, as a network whose plugin is gone."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _refuse, ()


def _refuse() -> None:
    raise UserError("The network mine is not registered here.")


def test_what_a_worker_cannot_make_anew_is_told_in_its_line(tmp_path):
    packed, said = [pickle.dumps(Gone())], []
    perform(_unpack(packed, ("end",), 0.0, ()), Store(tmp_path / "runs"), said.append)
    (broken,) = said
    assert isinstance(broken, Broken) and isinstance(broken.error, UserError)
    assert str(broken.error) == "In a worker: The network mine is not registered here."


def test_it_is_told_by_the_command_whose_worker_it_is(tmp_path, command):
    write_reviews(tmp_path / "films.csv")
    fails = 'import sys\nif "tflottery.runs.worker" in sys.orig_argv:\n    import pandsa\n'
    (tmp_path / "mine.py").write_text(f"{fails}{MINE}")
    done = command(
        "find_ticket", "--dataset", "films.csv", "--plugin", "mine.py", "--criterion", "mine",
        "--sparsity", "0.3", "--workers", "1", "--set", "training.epochs=1",
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        f"find_ticket: In a worker: The plugin {tmp_path / 'mine.py'} fails: ModuleNotFoundError: "
        "No module named 'pandsa' (line 3).\n"
    )


SCRIPT = """\
import sys
import tflottery as tfl

@tfl.register_criterion("mine")
def mine(weight, random):
    return abs(weight)

if __name__ == "__main__":
    words = {"pos": ["fine", "warm"], "neg": ["dull", "cold"]}
    rows = [(f"text {n} is {words[l][n % 2]}", l) for n in range(40) for l in words]
    data = [text for text, _ in rows], [label for _, label in rows]
    small = {"model.filters": 4, "model.embedding": 6, "model.widths": [2], "training.epochs": 1}
    try:
        found = tfl.find_ticket(
            data, config="defaults", set=small, criterion="mine", sparsity=0.2, workers=1,
            progress=False, plugin=sys.argv[1:],
        )
        print(found.ticket.about["criterion"], found.trained)
    except tfl.UserError as error:
        print(error)
"""


@pytest.mark.long
def test_what_a_script_registers_no_worker_finds_unless_the_script_is_a_plugin(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)

    def said(*names: str) -> str:
        done = subprocess.run(
            [sys.executable, "script.py", *names], cwd=tmp_path, env=user_environment(),
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    assert said() == (
        "The criterion 'mine' was registered in the script that runs, where no worker finds it; "
        "write it into a file of its own, as mine.py, and give plugin='mine.py'.\n"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["script.py"]  # nothing was begun
    assert said("script.py") == "mine 3\n"
