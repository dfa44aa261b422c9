"""Names, labels and texts that would break out: one table of them, through everything that shows a
user's text."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from absl import flags
from markdown_it import MarkdownIt
from rich.console import Console

from tests.exported import make_ticket
from tests.test_escaping import READER, _Tags
from tests.test_progress import SPECS
from tflottery import activity, program, status
from tflottery.cli import app, predict
from tflottery.cli import find_ticket as command
from tflottery.errors import UserError
from tflottery.exports import client, network
from tflottery.exports.model_card import model_card
from tflottery.exports.serving_files import curl
from tflottery.notebook import as_html
from tflottery.printed import visible
from tflottery.progress.consoles import open_console
from tflottery.progress.lines import Lines
from tflottery.progress.live import Live
from tflottery.progress.reporter import Reporter
from tflottery.report.rendering import markdown_table
from tflottery.report.table import Column, Table
from tflottery.report.terminal import plain_table

NASTY = {
    "a line": "one\ntwo",
    "a tab": "one\ttwo",
    "a carriage return": "one\rtwo",
    "a colour": "\x1b[31mred\x1b[0m",
    "a title of the window": "\x1b]0;owned\x07",
    "one byte controls": "\x9b31m\x85\x08\x00x",
    "direction": "‮gnp.exe",
    "isolates": "⁦a⁩",
    "separators": "a\u2028b\u2029c",
    "a script": "<script>alert(1)</script>",
    "an image": "![x](http://x.invalid/p.png)",
    "a cell": "a|b",
    "code": "`a``b`",
    "rich's markup": "[bold red]a[/bold red] :warning:",
    "a formula": "=1+1",
    "quotes": "a\"b'c",
    "half a character": "a\udcffb",
    "nothing": "",
    "templates": "{{ 7 * 7 }} {% x %} ${HOME} $(id)",
}
TABLE = pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)


def harmless(shown: str) -> bool:
    """Whether a terminal shows it and does nothing else."""
    return all(sign.isprintable() for line in shown.split("\n") for sign in line)


@TABLE
def test_an_error_is_one_line(text, capsys):
    def fail(values: flags.FlagValues) -> None:
        raise UserError(f"The label {text} of the file {text}.csv.")

    failing = app.Command("find_ticket", "", lambda values: None, fail, "", lambda values: "")
    assert app.run(failing, []) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and harmless(said) and said.startswith("find_ticket: The label")
    if text.isprintable() and text:
        assert text in said


@TABLE
def test_what_a_command_says_is_one_line(text):
    stream = io.StringIO()
    reporter = Reporter(Console(file=stream, highlight=False, markup=False, emoji=False, width=200))
    reporter.say(f"Classes: {text}.")
    assert stream.getvalue().count("\n") == 1 and harmless(stream.getvalue())
    if text.isprintable():
        assert text in stream.getvalue()


@TABLE
@pytest.mark.parametrize("colour", [True, False])
def test_a_table_on_a_terminal_keeps_its_rows(text, colour, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    if colour:
        monkeypatch.setenv("FORCE_COLOR", "1")
    table = plain_table(f"of {text}")
    for column in ("class", "texts"):
        table.add_column(column)
    table.add_row(text, "12")
    table.add_row("other", "34")
    Reporter(open_console()).show(table)
    said = capsys.readouterr().out
    # Bold headings are the only orders to the terminal.
    said = re.sub(r"\x1b\[[0-9;]*m", "", said) if colour else said
    if text != NASTY["a colour"]:
        assert harmless(said)
    lines = said.splitlines()
    # A line's end or a tab makes a second line of the same row.
    assert lines[-1].split() == ["other", "34"]
    assert sum(line.rstrip().endswith(" 12") for line in lines) == 1


@TABLE
@pytest.mark.parametrize("terminal", [True, False])
def test_what_a_view_says_stays_in_its_line(text, terminal):
    stream = io.StringIO()
    console = Console(
        file=stream, force_terminal=terminal, highlight=False, markup=False, emoji=False, width=200
    )
    view = Reporter(console).watch(lambda spec: text, total=2, may_end_early=False)
    assert isinstance(view, Live if terminal else Lines)
    with view:
        view.run_stopped(SPECS[0], f"failed on {text}")
    lines = [line for line in stream.getvalue().split("\n") if "failed on" in line]
    assert len(lines) == 1
    assert harmless(lines[0].split("\x1b[2K")[-1])
    assert visible(text) in lines[0]


@TABLE
def test_a_status_is_a_line(text):
    stream = io.StringIO()
    place = status.Terminal(stream)
    place.show(visible(f"reading {text}"))
    assert stream.getvalue().count("\x1b") == 1 and "\n" not in stream.getvalue()
    from tflottery.data.reading import sources
    from tflottery.data.settings import DataSettings

    assert harmless(sources.reading(DataSettings(dataset=f"./{text}.csv")))


@TABLE
def test_predict_prints_a_line_of_three_fields(text, monkeypatch, capsys):
    def answer(texts):
        return [client.Answer(text, 0.5) for _ in texts]

    monkeypatch.setattr(client, "local", lambda model: answer)
    assert predict.main(["--model", "m", "--text", text]) == 0
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and said.count("\t") == 2
    assert harmless(said.replace("\t", " "))


@TABLE
def test_the_model_card_keeps_its_shape(text, tmp_path):
    calm = _card(tmp_path / "calm", "good")
    other = _card(tmp_path / "other", text or "x")
    shape = [(token.type, token.tag) for token in READER.parse(calm)]
    assert [(token.type, token.tag) for token in READER.parse(other)] == shape
    other.encode()
    assert not any("\x1b" in line or "\u202e" in line for line in other.splitlines())


def _card(folder: Path, label: str) -> str:
    ticket = make_ticket(folder, "cnn")
    served = network.of_ticket(ticket)
    data = dataclasses.replace(ticket.recipe.data, dataset=f"./{label}.csv")
    other = SimpleNamespace(
        about=ticket.about, sentence=ticket.sentence, classes=("bad", label),
        vocabulary=ticket.vocabulary,
        recipe=dataclasses.replace(ticket.recipe, data=data),
    )  # fmt: skip
    return model_card(other, served, "name", 1, f"checked {label}")


@TABLE
def test_tables_keep_their_shape(text):
    columns = [Column("a", "a", is_text=True), Column("b", "b", is_text=True)]
    table = Table("name", columns, [{"a": text, "b": "x"}])
    rows = list(csv.reader(io.StringIO(table.csv(), newline="")))
    assert [len(row) for row in rows] == [2, 2] and all(map(harmless, rows[1]))
    tokens = READER.parse(markdown_table(table))
    assert [token.type for token in tokens].count("td_open") == 2
    table.csv().encode()


@TABLE
def test_a_notebook_shows_text(text):
    import pandas as pd

    tags = _Tags()
    # pandas itself holds no half characters.
    tags.feed(as_html(text, pd.DataFrame({"a": [text.replace("\udcff", "")]}), [text]))
    assert {tag for tag, _ in tags.found} <= {
        "p", "strong", "table", "thead", "tbody", "tr", "th", "td",
    }  # fmt: skip


@TABLE
def test_commands_can_be_pasted(text):
    line = curl("name", text)
    assert harmless(line)
    if text.isprintable():
        assert json.loads(shlex.split(line)[2]) == {"instances": [text]}


@TABLE
def test_next_steps_can_be_pasted(text, monkeypatch, tmp_path):
    folder = f"my {text}".replace("\0", "")
    values = app.defined(command.COMMAND)
    values(["find_ticket", f"--store={folder}"])
    steps = command._next_steps(values, _found(Path("tickets") / "x", "mine.csv"))
    assert list(steps) == ["tune_lr", "export"]
    for name, keywords in steps.items():
        line = program.line(name, **keywords)
        assert harmless(line.replace("\t", " "))
        if all(sign.isprintable() or sign in "\n\t" for sign in folder):
            assert folder in shlex.split(line)


def test_a_transfer_is_suggested_where_data_of_the_kind_are_known():
    values = app.defined(command.COMMAND)
    values(["find_ticket", "--data_dir", "my data", "--output", "elsewhere"])
    for dataset, other in (
        ("imdb", "yelp_polarity"), ("imdb_reviews", "yelp_polarity"),
        ("yelp_polarity_reviews", "imdb"), ("yelp2", "imdb"),
        ("toy", None), ("stars.csv", None), ("glue/sst2", None),
    ):  # fmt: skip
        steps = command._next_steps(values, _found(Path("elsewhere/x"), dataset))
        assert ("transfer" in steps) == (other is not None)
        if other:
            line = shlex.split(program.line("transfer", **steps["transfer"]))
            assert line[1:] == ["--ticket", "elsewhere/x", "--to", other, "--data_dir", "my data"]


def test_nothing_is_suggested_for_a_ticket_that_is_not_recommended():
    values = app.defined(command.COMMAND)
    values(["find_ticket"])
    assert command._next_steps(values, _found(Path("x"), "imdb", recommends=False)) == {}


def test_rounds_without_a_sparsity_go_on_to_an_export_alone():
    values = app.defined(command.COMMAND)
    values(["find_ticket"])
    found = _found(Path("x"), "imdb", rates=(("head", 0.0),))
    assert set(command._next_steps(values, found)) == {"export"}


def test_a_sparse_training_is_not_tuned():
    values = app.defined(command.COMMAND)
    values(["find_ticket"])
    found = _found(Path("x"), "imdb", method="rigl")
    assert set(command._next_steps(values, found)) == {"transfer", "export"}


def _found(
    folder: Path,
    dataset: str,
    *,
    recommends: bool = True,
    rates: tuple[tuple[str, float], ...] = (),
    method: str = "iterative",
) -> SimpleNamespace:
    ticket = SimpleNamespace(folder=folder, about={"dataset": dataset})
    plan = SimpleNamespace(is_open=True, settings=SimpleNamespace(rates=rates, method=method))
    judged = SimpleNamespace(recommends=recommends)
    return SimpleNamespace(ticket=ticket, judged=judged, outcome=SimpleNamespace(plan=plan))


def test_a_label_that_the_terminal_cannot_encode_is_written_out():
    import subprocess
    import sys

    from tests.conftest import user_environment

    code = (
        "from tflottery.cli import app\n"
        "show = lambda values: print('영화 \\u202e')\n"
        "app.run(app.Command('x', '', lambda v: None, show, '', lambda v: ''), [])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**user_environment(), "PYTHONIOENCODING": "ascii"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "\\uc601\\ud654 \\u202e\n" and done.stderr == ""


def test_the_table_is_as_nasty_as_it_says():
    assert not any(
        harmless(text) for name, text in NASTY.items() if name in ("a colour", "direction")
    )
    assert MarkdownIt("commonmark").render(NASTY["an image"]).count("<img") == 1
    assert os.fsencode(NASTY["half a character"]) == b"a\xffb" and np.iterable(NASTY)
    assert activity.listener() is activity.DEAF
