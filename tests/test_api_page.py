"""The examples of docs/api.md and README are run, on small data and small networks."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest

import tflottery as tfl
from tests.conftest import ROOT
from tests.test_transfer import write_others
from tflottery.data.reading.toy import ToySource
from tflottery.experiments import configuration
from tflottery.metrics import METRICS

mpl.use("Agg")
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TEXTS = 600


def examples(page: Path) -> dict[str, str]:
    """The page's Python, by the heading that it stands under, one after the other."""
    found: dict[str, str] = {}
    for part in re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        if code := "\n".join(_PYTHON.findall(text)):
            found[heading] = code
    return found


API = examples(ROOT / "docs" / "api.md")
README = examples(ROOT / "README.md")


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    """A folder with reviews.csv (1,000 rows of review and stars) and meals.csv."""
    folder = tmp_path_factory.mktemp("work")
    words = {1: "dull poor cold".split(), 5: "fine bright warm".split()}
    rows = [
        {"review": f"text {number} is {words[stars][number % 3]} indeed", "stars": stars}
        for number in range(500)
        for stars in (1, 5)
    ]
    pd.DataFrame(rows).to_csv(folder / "reviews.csv", index=False)
    write_others(folder / "meals.csv")
    meals = pd.read_csv(folder / "meals.csv").rename(columns={"text": "review", "label": "stars"})
    meals.to_csv(folder / "meals.csv", index=False)
    return folder


@pytest.fixture(autouse=True)
def quick(work, monkeypatch):
    """The examples' words, with less work behind each: few texts, small networks, one epoch."""
    monkeypatch.chdir(work)
    load = configuration.load

    def small(*arguments, **options):
        chosen = load(*arguments, **options)
        model = dataclasses.replace(chosen.model, embedding=6, filters=4, widths=(2,))
        training = dataclasses.replace(chosen.training, epochs=1, warmup=0.0)
        pruning = dataclasses.replace(chosen.pruning, rate=0.6)
        study = dataclasses.replace(
            chosen.study, levels=(0.6,), controls=(), rewind_levels=(), instability_points=(),
            early_bird_points=(), inits=("original",),
        )  # fmt: skip
        return dataclasses.replace(
            chosen, model=model, training=training, pruning=pruning, study=study, to_scale=False
        )

    monkeypatch.setattr(configuration, "load", small)
    every = ToySource.examples

    def few(self, split):
        for number, example in enumerate(every(self, split)):
            if number < _TEXTS:
                yield example

    monkeypatch.setattr(ToySource, "examples", few)


def run(code: str, *changes: tuple[str, str]) -> dict[str, object]:
    for old, new in changes:
        assert old in code
        code = code.replace(old, new)
    names: dict[str, object] = {}
    exec(compile(code, "example", "exec"), names)
    return names


def test_the_page_has_an_example_of_every_call():
    assert {"find_ticket", "run_study", "plan_seeds", "transfer", "tune_learning_rate", "export",
            "load_ticket", "Store"} <= set(API)  # fmt: skip


def test_find_ticket():
    # IMDB is not here; the toy reviews take the place of its name.
    names = run(API["find_ticket"], ('find_ticket("imdb"', 'find_ticket("toy"'),
                ('init="rewind:1ep", set={"training.epochs": 6}', 'init="rewind:1ep"'))  # fmt: skip
    found = names["found"]
    assert isinstance(found, tfl.FoundTicket)
    found.ticket.save("tickets/mine")


def test_metrics():
    before = dict(METRICS)
    try:
        names = run(API["Metrics"])
    finally:
        METRICS.clear()
        METRICS.update(before)
    assert Path("confusion.png").is_file() and "missed" in names["found"].metrics
    assert len(names["said"].labels) == len(names["said"].scores)


def test_load_ticket():
    names = run(API["load_ticket"])
    assert not names["embedding"][~names["kept"]].any()


def test_run_study():
    names = run(API["run_study"], (", workers=2", ""))
    assert Path("report/index.html").is_file() and not names["study"].failures


def test_plan_seeds():
    # Trained in the background of the docs, and here: the spread of the shipped study.
    folder = ROOT / "docs" / "results" / "study_cnn" / "data" / "study_cnn"
    names = run(
        API["plan_seeds"],
        ('tfl.run_study("study_cnn", seeds=3)  # the spread over seeds comes from a few\n', ""),
        ('"runs"', repr(str(folder))),
    )
    assert len(names["planned"].contrasts) == len(names["planned"].needs) > 5


def test_transfer():
    names = run(
        API["transfer"], ('to="yelp_polarity"', 'to="reviews.csv", text="review", label="stars"')
    )
    assert isinstance(names["moved"], tfl.TransferResult)


def test_tune_learning_rate():
    names = run(
        API["tune_learning_rate"], (', set={"tuning.learning_rate": [0.001, 0.005, 0.02]}', "")
    )
    assert len(names["tuned"].trials)


def test_export():
    names = run(API["export"])
    assert (Path("saved_models") / names["exported"].name / "1" / "saved_model.pb").is_file()


def test_write_report():
    names = run(API["write_report"])
    assert names["page"] == Path("report/index.html") and names["page"].is_file()


def test_store():
    names = run(API["Store"])
    assert names["freed"] >= 0 and len(tfl.Store("runs").runs()) > 0


def test_errors(capsys):
    run(API["Progress, interruptions, errors"])
    assert "Did you mean 'epochs'" in capsys.readouterr().out


def test_readme():
    names = run(README["From Python"])
    assert Path("ticket.png").is_file() and names["kept"].dtype == bool
