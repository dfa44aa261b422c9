"""Commands that are printed to be pasted: complete, quoted, and called as this one was."""

from __future__ import annotations

import importlib
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest

from tflottery import program
from tflottery.cli import COMMANDS, app, experiments
from tflottery.cli import export as export_command
from tflottery.cli import find_ticket as find_command
from tflottery.exports.export import Exported
from tflottery.progress.consoles import open_console
from tflottery.progress.reporter import Reporter

PLACES = {"store": "my runs", "plugin": ["it's mine.py", "another"], "data_dir": "/big disk/$data"}
NO_PLACES = {"store": "runs", "plugin": [], "data_dir": None}
GIVEN = [
    "--store", "my runs", "--plugin", "it's mine.py", "--plugin", "another", "--data_dir",
    "/big disk/$data",
]  # fmt: skip


def parsed(name: str, words: list[str]):
    values = app.defined(importlib.import_module(f"tflottery.cli.{name}").COMMAND)
    values.set_gnu_getopt()
    return values, values([name, *words])[1:]


def printed_commands(text: str) -> list[tuple[list[str], str, list[str]]]:
    """What calls each command of a text, its name and its words."""
    found = []
    for line in text.splitlines():
        if "Next:" in line or "or " in line:
            words = shlex.split(line.partition("Next:")[2] or line.partition("or ")[2])
            place = next((n for n, one in enumerate(words) if Path(one).name in COMMANDS), None)
            if place is not None:
                name = Path(words[place]).name
                found.append((words[: place + 1], name, words[place + 1 :]))
    return found


def _after_find_ticket(values) -> None:
    ticket = SimpleNamespace(folder=Path("my tickets/x"), about={"dataset": "imdb"})
    plan = SimpleNamespace(is_open=False, settings=SimpleNamespace(rates=(), method="iterative"))
    found = SimpleNamespace(
        ticket=ticket, judged=SimpleNamespace(recommends=True), outcome=SimpleNamespace(plan=plan)
    )
    for name, keywords in find_command._next_steps(values, found).items():
        experiments.next_step(name, **keywords)


def _after_export(values) -> None:
    done = Exported.__new__(Exported)
    ticket = SimpleNamespace(recipe=SimpleNamespace(data=None))
    for name, value in {
        "folder": Path("my models/it's/1"), "checked": "", "size": "", "beside": (),
        "ticket": ticket, "found": None, "store": object(),
    }.items():  # fmt: skip
        object.__setattr__(done, name, value)
    export_command._show_exported(Reporter(open_console()), done)


PRINTING = {
    "find_ticket": (_after_find_ticket, ["tune_lr", "transfer", "export"]),
    "study": (experiments.report_on, ["report"]),
    "transfer": (experiments.report_on, ["report"]),
    "tune_lr": (experiments.report_on, ["report"]),
    "export": (_after_export, ["predict"]),
}


@pytest.mark.parametrize("called", [(), ("tflottery",), ("/my python/python3", "-m", "tflottery")])
@pytest.mark.parametrize("folder", ["", "/a check out/bin"])
@pytest.mark.parametrize("is_given", [True, False])
@pytest.mark.parametrize("name", PRINTING)
def test_next_steps_are_whole(name, is_given, folder, called, monkeypatch, capsys):
    monkeypatch.setattr(program, "_called", called)
    monkeypatch.setenv("TFLOTTERY_BIN", folder)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("tflottery.exports.example.example_text", lambda *_: "-it's a film")
    values, _ = parsed(name, GIVEN if is_given else [])
    print_them, expected = PRINTING[name]
    print_them(values)
    found = printed_commands(capsys.readouterr().out)
    assert [step for _, step, _ in found] == expected
    for calling, step, words in found:
        wanted = [*called, step] if called else [f"{folder or 'bin'}/{step}"]
        assert calling == wanted
        again, bare = parsed(step, words)
        places = PLACES if is_given else NO_PLACES
        if step == "predict":
            assert (again.model, bare) == ("my models/it's", ["-it's a film"])
            continue
        assert again.plugin == places["plugin"]
        if step == "report":
            assert [*bare, again.output] == [places["store"], "report/"]
            continue
        assert (again.store, again.ticket) == (places["store"], "my tickets/x")
        assert (again.data_dir or None) == places["data_dir"]


def test_every_command_that_prints_a_next_step_is_in_the_table():
    here = Path(experiments.__file__).parent
    printing = {
        path.stem
        for path in here.glob("*.py")
        if any(one in path.read_text() for one in ("next_step(", "report_on(", "program.line("))
    }
    assert printing - {"experiments", "app"} == set(PRINTING)
