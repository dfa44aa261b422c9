"""Where the look before the work is said: terminal, page, picture, report and model card."""

from __future__ import annotations

import dataclasses
import io
from types import SimpleNamespace

import pytest
from rich.console import Console

import tflottery as tfl
from tests import synthetic_study, synthetic_transfer, synthetic_tuning
from tests.conftest import write_reviews
from tests.looking import clean, look, relabelled
from tflottery.cli import inspect as inspect_command
from tflottery.data.look import inspection, terminal
from tflottery.data.look.inspection import Inspection
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings
from tflottery.errors import DamagedFileError
from tflottery.experiments import inspecting
from tflottery.experiments.reports import write_report
from tflottery.exports.model_card import model_card
from tflottery.progress.reporter import Reporter

HOSTILE = ("\x1b[31mRED\nforged", "[bold]x[/bold] | `a` <script>alert(1)</script>", "$\\frac{a$")


@pytest.fixture(scope="module")
def hostile() -> Inspection:
    """A skewed data set with labels and a name that a terminal, a page or a formula would obey."""
    seen = look(relabelled(0.02) + [(f"a third {n}", "third") for n in range(50)])
    return Inspection(dataclasses.replace(seen.findings, classes=HOSTILE, name="a\x1b[2J\nb.csv"))


def test_labels_and_names_cannot_break_a_terminal(hostile):
    console = Console(file=io.StringIO(), width=70, markup=False, emoji=False, highlight=False)
    for table in terminal.tables(hostile.findings):
        console.print(table)
    shown = console.file.getvalue()
    lines = (*hostile.cautions, *hostile.short, hostile.sentence, hostile.read, *shown.split("\n"))
    assert len(hostile.cautions) >= 2
    for line in lines:
        assert line.isprintable(), line
    assert "[bold]x[/bold]" in shown
    assert max(map(len, shown.splitlines())) <= 70


def test_labels_cannot_break_a_page(hostile):
    page = hostile._repr_html_()
    assert "<script>" not in page and "<table" in page
    assert page.count('<img alt="') == 2 and "data:image/svg+xml;base64," in page


def test_lengths_and_classes_are_drawn(hostile):
    import matplotlib as mpl

    mpl.use("Agg")
    ax = hostile.plot()
    lengths, classes = ax.child_axes
    assert lengths.get_xlabel() == "words of a training text"
    assert len(classes.patches) == 3
    buffer = io.BytesIO()
    ax.figure.savefig(buffer, format="png")
    assert buffer.getvalue().startswith(b"\x89PNG")
    assert hostile.plot(ax=ax) is ax
    many = look([(f"{text} {n}", f"class{n % 30}") for n, (text, _) in enumerate(clean(900))])
    drawn = many.plot().child_axes[1]
    assert [text.get_text() for text in drawn.get_yticklabels()][-1] == "19 others"


def test_the_command_prints_facts_and_cautions(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "70")
    write_reviews(tmp_path / "films.csv")
    assert inspect_command.main(["--dataset", "films.csv"]) == 0
    shown = capsys.readouterr().out
    assert "larger class alone" in shown and "Caution: Few texts: " in shown
    assert "of train" in shown and max(map(len, shown.splitlines())) <= 70
    assert not (tmp_path / "runs").exists()
    assert inspect_command.main(["--dataset", "nowhere.csv"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_dry_run_says_it_where_it_costs_little(tmp_path, monkeypatch):
    write_reviews(tmp_path / "films.csv")

    def said() -> str:
        console = Console(file=io.StringIO(), width=200)
        tfl.find_ticket(
            tmp_path / "films.csv", sparsity=0.36, dry_run=True, progress=Reporter(console),
            store=tmp_path / "runs",
        )  # fmt: skip
        return console.file.getvalue()

    assert "films: 96 texts" in said() and not (tmp_path / "runs").exists()
    monkeypatch.setattr(inspecting, "_FEW", 10)
    assert "films: 96 texts" not in said()
    settings = sources.identify(DataSettings(dataset=str(tmp_path / "films.csv")))
    inspection.inspect_encoded(settings, tfl.Store(tmp_path / "runs").data_folder())
    assert "Caution: Few texts" in said()


LINES = ["Few texts: 57 of validation | `x` <b>.", "Skewed classes: 97 % are 'fine'."]


@pytest.mark.parametrize(
    ("write", "some"),
    [
        (lambda store, **more: synthetic_study.write_study(store, **more), "study"),
        (lambda store, **more: synthetic_transfer.write_transfer_result(store, **more), "transfer"),
        (lambda store, **more: synthetic_tuning.write_tuning_result(store, **more), "search"),
    ],
    ids=["study", "transfer", "search"],
)
def test_reports_say_the_cautions(tmp_path, write, some):
    more = {"inspection": look(clean()).findings.payload()} if some == "study" else {}
    write(tmp_path / "with", cautions=LINES, **more)
    page = write_report(tmp_path / "with", tmp_path / "report")
    text, html = (page.parent / "report.md").read_text(), page.read_text()
    assert "> Skewed classes: 97 % are 'fine'." in text and "<b>" not in html
    assert html.count('class="remark">Few texts: 57 of validation') == 1
    drawn = [path.name for path in (page.parent / "figures").iterdir()]
    assert ("study_cnn-data-lengths.svg" in drawn) is (some == "study")
    assert ("The data" in text) is (some == "study")
    write(tmp_path / "without")
    page = write_report(tmp_path / "without", tmp_path / "plain")
    assert "Few texts" not in page.read_text() and "The data" not in page.read_text()


@pytest.mark.parametrize("lines", ["one", [1], {"a": "b"}])
def test_cautions_that_are_no_lines_are_damage(tmp_path, lines):
    synthetic_study.write_study(tmp_path, cautions=lines)
    with pytest.raises(DamagedFileError, match="no valid 'cautions"):
        write_report(tmp_path, tmp_path / "report")


def test_the_model_card_has_cautions_where_there_are_any(small_export):
    ticket, _ = small_export
    card = model_card(ticket, SimpleNamespace(numbers=5), "small", 1, "Checked.")
    assert "## Cautions" not in card
    about = {**ticket.about, "cautions": [*LINES, "[a](http://x.invalid) ![b](c)"]}
    card = model_card(
        dataclasses.replace(ticket, about=about), SimpleNamespace(numbers=5), "small", 1, "Checked."
    )
    section = card.partition("## Cautions")[2].partition("##")[0]
    assert section.count("\n- ") == 3 and "\\<b>" in section and "\\[a\\](http" in section
