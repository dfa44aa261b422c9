"""Plugins: loaded, carried to workers, and told in one line where they cannot be."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from absl import flags

import tflottery as tfl
from tests.chains import RECIPE, dense
from tests.conftest import user_environment
from tests.registries import put_back
from tflottery import plugins, program
from tflottery.cli import completion, experiments
from tflottery.cli import find_ticket as find_command
from tflottery.cli import inspect as inspect_command
from tflottery.cli.app import defined, run
from tflottery.data.reading.source import REGISTERED
from tflottery.errors import UserError
from tflottery.pruning.criteria import CRITERIA
from tflottery.pruning.masks import To
from tflottery.registry import Registry, origin
from tflottery.runs.carrying import plugins_of
from tflottery.runs.pruned import Pruned
from tflottery.runs.specs import RunSpec

MINE = """\
import tflottery as tfl

@tfl.register_criterion("mine")
def mine(weight, random):
    return abs(weight)

@tfl.register_metric("half", higher_is_better=True)
def half(labels, scores):
    return 0.5
"""
TAKEN = """\
import tflottery as tfl

@tfl.register_criterion("magnitude")
def mine(weight, random):
    return weight
"""


@pytest.fixture(autouse=True)
def registries(tmp_path, monkeypatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(plugins.SWITCH, "none")
    with put_back():
        yield


def pruned(criterion: str = "mine") -> RunSpec:
    run = dense(RECIPE)
    return dataclasses.replace(run, mask=Pruned(run, To(0.5), criterion=criterion))


# One rule for all registries


def test_a_registry_takes_a_function_once_and_again():
    known: Registry[int] = Registry("answer", ["loss"])

    def one() -> None: ...

    known.add("one", one, 1)
    known.add("one", one, 2)
    assert known.find("one") == 2 and known.registered("one") is one
    with pytest.raises(UserError, match=r"There is an answer 'one' already, of .*test_plugins\.py"):
        known.add("one", len, 3)
    for name in ("", "loss", "One", "1st", "a b", "a-b", None, 3):
        with pytest.raises(UserError, match="An answer is not called"):
            known.add(name, one, 1)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"There is no answer 'on'. Did you mean 'one'"):
        known.find("on")
    assert dict(known) == {"one": 2}


def test_where_a_function_comes_from():
    assert origin(CRITERIA.registered("magnitude")).is_ours
    own = origin(functools.partial(test_where_a_function_comes_from))
    assert (own.module, own.file) == (__name__, Path(__file__)) and not own.is_ours


# Loading


def test_a_file_is_loaded_once_and_anew_when_it_has_changed(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(f"{MINE}print('loaded')\n")
    plugins.load("mine.py")
    first = CRITERIA["mine"]
    plugins.load([str(file), Path("mine.py")])
    assert CRITERIA["mine"] is first and plugins.loaded() == (str(file),)
    file.write_text(MINE.replace("abs(weight)", "-abs(weight)"))
    plugins.load("mine.py")
    assert CRITERIA["mine"] is not first and plugins.loaded() == (str(file),)


def test_two_files_of_one_name_are_two_plugins(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.py").write_text(MINE.replace("mine", name).replace("half", name))
    plugins.load(["one/mine.py", "two/mine.py"])
    assert {"one", "two"} <= set(CRITERIA)
    modules = {CRITERIA[name].function.__module__ for name in ("one", "two")}
    assert len(modules) == 2 and all(sys.modules[name] for name in modules)


def test_a_module_and_its_file_are_one_plugin(tmp_path, monkeypatch):
    (tmp_path / "my_plugin.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    plugins.load("my_plugin")
    plugins.load("my_plugin.py")
    assert plugins.loaded() == ("my_plugin", str(tmp_path / "my_plugin.py"))


def test_a_file_that_names_itself_is_loaded_once(tmp_path):
    (tmp_path / "mine.py").write_text(
        f"from tflottery import plugins\nplugins.load('mine.py')\n{MINE}"
    )
    plugins.load("mine.py")
    assert "mine" in CRITERIA


TWICE = """
@tfl.register_{0}("one")
def build({1}): ...

@tfl.register_{0}("one")
def build({1}): ...
"""
# What each file holds, and what is said of it.
BROKEN = {
    "nothing.py": (None, "The plugin {place} cannot be read: No such file or directory."),
    "folder.py": ("", "The plugin {place} cannot be read: Is a directory."),
    "nothing_there": (None, "There is no module 'nothing_there' for --plugin nothing_there; "),
    "beside": (MINE, "There is no module 'beside' for --plugin beside; give the file: --plugin b"),
    "a b": (None, "There is no plugin 'a b'; give the name of a module, or the path of a file"),
    "needs.py": (
        "x = 1\nimport pandsa\n",
        "The plugin {place} fails: ModuleNotFoundError: No module named 'pandsa' (line 2).",
    ),
    "lacks.py": (
        "from os import nothing\n",
        "The plugin {place} fails: ImportError: cannot import name 'nothing' from 'os'",
    ),
    "wrong.py": (
        "def f(:\n    pass\n",
        "The plugin {place} fails: SyntaxError: invalid syntax in wrong.py (line 1).",
    ),
    "bytes.py": ("x = '\0'\n", "The plugin {place} fails: "),
    "ends.py": (
        "import sys\nsys.exit(3)\n",
        "The plugin {place} fails: it ends the program (SystemExit: 3) (line 2).",
    ),
    "divides.py": (
        "def f():\n    return 1 / 0\nf()\n",
        "The plugin {place} fails: ZeroDivisionError: division by zero (line 2).",
    ),
    "lines.py": (
        "raise RuntimeError('one\\ntwo')\n",
        "The plugin {place} fails: RuntimeError: one two (line 1).",
    ),
    "asserts.py": ("assert False\n", "The plugin {place} fails: AssertionError (line 1)."),
    "taken.py": (
        TAKEN,
        "The plugin {place}: There is a criterion 'magnitude' already, of tflottery itself; ",
    ),
    "criterion_twice.py": (
        f"{MINE}{MINE}",
        "The plugin {place}: A criterion 'mine' is registered twice; name it once.",
    ),
    "metric_twice.py": (
        "import tflottery as tfl\n"
        + TWICE.format("metric", "labels, scores").replace(
            '("one")', '("one", higher_is_better=True)'
        ),
        "The plugin {place}: A metric 'one' is registered twice; name it once.",
    ),
    "source_twice.py": (
        "import tflottery as tfl\n" + TWICE.format("source", ""),
        "The plugin {place}: A source 'one' is registered twice; name it once.",
    ),
    "network_twice.py": (
        "import tflottery as tfl\n" + TWICE.format("architecture", "vocabulary_size, classes"),
        "The plugin {place}: A network 'one' is registered twice; name it once.",
    ),
    "no_name.py": (
        "import tflottery as tfl\n@tfl.register_source\ndef mails(): ...\n",
        "The plugin {place}: register_source takes a name, and then the function: write "
        '@tfl.register_source("mails") above it.',
    ),
    "later.py": (f"{MINE}import pandsa\n", "The plugin {place} fails: ModuleNotFoundError"),
    "badly.py": (
        TAKEN.replace('"magnitude"', '"My own"'),
        "The plugin {place}: A criterion is not called 'My own'",
    ),
    "source.py": (
        "import tflottery as tfl\n@tfl.register_source('imdb')\ndef f(): ...\n",
        "The plugin {place}: There is a source 'imdb' already",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_loaded_is_one_line_and_exit_code_two(tmp_path, capfd, name):
    content, told = BROKEN[name]
    if name == "folder.py":
        (tmp_path / name).mkdir()
    elif content is not None:
        (tmp_path / name).with_suffix(".py").write_text(content)
    before = (dict(CRITERIA), dict(REGISTERED), sorted(m for m in sys.modules if "plugin_" in m))
    told = told.format(place=tmp_path / name)
    with pytest.raises(UserError) as caught:
        plugins.load(name)
    assert str(caught.value).startswith(told)
    assert run(find_command.COMMAND, ["--dataset", "toy", "--plugin", name]) == 2
    errors = capfd.readouterr().err
    assert told in errors and errors.count("\n") == 1 and "Traceback" not in errors
    after = (dict(CRITERIA), dict(REGISTERED), sorted(m for m in sys.modules if "plugin_" in m))
    assert before == after and plugins.loaded() == ()


@pytest.mark.parametrize("names", [3, None, [3], "", [""], ["x\0.py"], {"a": 1}])
def test_what_is_no_plugin(names):
    with pytest.raises(UserError, match=r"plugin is .* it takes the name of a module or the path"):
        plugins.load(names)


def test_what_a_module_lacks_is_not_taken_for_the_module(tmp_path, monkeypatch):
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "__init__.py").touch()
    (tmp_path / "my_package" / "inner.py").write_text("import my_package.more\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="The plugin my_package.inner fails: ModuleNotFoundError: "
                       r"No module named 'my_package.more' \(line 1\)"):  # fmt: skip
        plugins.load("my_package.inner")


# Plugins of installed packages


def install(folder: Path, package: str, module: str, code: str) -> None:
    """What an installation leaves behind."""
    (folder / f"{module}.py").write_text(code)
    about = folder / f"{package}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{plugins.GROUP}]\n{module} = {module}\n")


def test_installed_packages_are_loaded_unless_they_are_switched_off(tmp_path, monkeypatch):
    install(tmp_path, "my-package", "installed_plugin", MINE)
    monkeypatch.syspath_prepend(tmp_path)
    plugins.load()
    assert "mine" not in CRITERIA
    plugins._LOADED.has_installed = False
    monkeypatch.delenv(plugins.SWITCH)
    plugins.load(installed=False)
    assert "mine" not in CRITERIA
    plugins.load()
    assert "mine" in CRITERIA and "installed_plugin" in plugins.loaded()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import pandsa\n", "fails: ModuleNotFoundError: No module named 'pandsa' (line 1)."),
        (TAKEN, ": There is a criterion 'magnitude' already"),
        ("raise SystemExit(1)\n", "fails: it ends the program (SystemExit: 1) (line 1)."),
    ],
)
def test_a_broken_one_is_named_with_the_way_to_go_on(tmp_path, monkeypatch, capfd, code, told):
    install(tmp_path, "my-package", "installed_plugin", code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv(plugins.SWITCH)
    given = ["--dataset", "toy", "--model", "nothing"]
    assert run(inspect_command.COMMAND, given) == 2
    errors = capfd.readouterr().err
    assert "The plugin 'installed_plugin' of the installed package my-package" in errors
    assert told in errors and errors.count("\n") == 1
    assert "pip uninstall my-package" in errors and "TFLOTTERY_PLUGINS=none" in errors
    # Nothing of it is needed for help.
    assert run(inspect_command.COMMAND, ["--help"]) == 0
    monkeypatch.setenv(plugins.SWITCH, "none")
    assert run(inspect_command.COMMAND, given) == 2
    assert "There is no model 'nothing'" in capfd.readouterr().err


# Everywhere


@pytest.mark.parametrize(
    "call",
    [tfl.inspect, tfl.find_ticket, tfl.run_study, tfl.transfer, tfl.tune_learning_rate, tfl.export,
     tfl.load_ticket, tfl.write_report],
)  # fmt: skip
def test_every_call_that_reads_or_trains_takes_plugins(call):
    assert inspect.signature(call).parameters["plugin"].default == ()


def test_every_command_takes_plugins_several_times():
    for name, command in completion.commands().items():
        values = defined(command)
        values([name, "--plugin", "one.py", "--plugin=two"])
        assert values.plugin == ["one.py", "two"], name


@pytest.mark.parametrize("name", ["report", "predict", "study", "transfer", "tune_lr", "export"])
def test_every_command_loads_what_it_is_given(name, capfd):
    given = {"transfer": ["--to", "toy"], "predict": ["--model", "nowhere", "text"]}
    command = completion.commands()[name]
    assert run(command, [*given.get(name, []), "--plugin", "nowhere.py"]) == 2
    errors = capfd.readouterr().err
    assert "nowhere.py cannot be read" in errors and errors.count("\n") == 1


def test_the_keys_of_a_plugins_network_are_shown_and_its_names_are_known(tmp_path, capfd):
    (tmp_path / "mine.py").write_text(MINE)
    assert run(find_command.COMMAND, ["--plugin", "mine.py", "--helpkeys"]) == 0
    assert "mine" in CRITERIA
    capfd.readouterr()
    given = ["--dataset", "toy", "--criterion", "minee", "--plugin", "mine.py"]
    assert run(find_command.COMMAND, given) == 2
    assert "Did you mean 'mine'?" in capfd.readouterr().err


def test_next_steps_and_recorded_commands_keep_plugins(capsys):
    def given(command) -> flags.FlagValues:
        values = defined(command)
        values(["command", "--plugin", "one.py", "--plugin=my plugin.py"])
        return values

    experiments.report_on(given(completion.commands()["study"]))
    assert "--plugin one.py --plugin 'my plugin.py'" in capsys.readouterr().out
    found: Any = SimpleNamespace(
        judged=SimpleNamespace(recommends=True),
        ticket=SimpleNamespace(folder=Path("tickets/mine"), about={"dataset": "imdb"}),
        outcome=SimpleNamespace(
            plan=SimpleNamespace(is_open=False, settings=SimpleNamespace(method="one_shot"))
        ),
    )
    steps = find_command._next_steps(given(find_command.COMMAND), found)
    assert set(steps) == {"tune_lr", "transfer", "export"}
    assert all(step["plugin"] == ["one.py", "my plugin.py"] for step in steps.values())
    recorded = program.recorded("study", plugin=plugins.listed(["one.py", Path("two.py")]))
    assert recorded == "bin/study --plugin one.py --plugin two.py"


def test_tensorflow_of_a_plugin_begins_quietly_and_as_asked(tmp_path):
    (tmp_path / "network.py").write_text(
        "import sys\nimport tf_keras\nprint('of the plugin', file=sys.stderr)\n"
    )
    code = (
        "import os\nfrom tflottery import plugins\n"
        "plugins.load('network.py', threads=1)\nprint(os.environ['TF_NUM_INTRAOP_THREADS'])"
    )
    environment = {**user_environment()}
    environment.pop("TF_NUM_INTRAOP_THREADS", None)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("1\n", "of the plugin\n")


def test_a_module_that_was_imported_before_it_was_named_is_carried(tmp_path, monkeypatch):
    (tmp_path / "kept_elsewhere.py").write_text(
        "def mine(weight, random):\n    return abs(weight)\n"
    )
    (tmp_path / "registers_it.py").write_text(
        "import tflottery as tfl\nfrom kept_elsewhere import mine\n"
        "tfl.register_criterion('mine')(mine)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("registers_it")
    plugins.load("registers_it")
    assert plugins_of(pruned("mine")) == ("registers_it", "kept_elsewhere")
