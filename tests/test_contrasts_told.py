"""Contrasts between networks of a transfer, and between learning rates of a search: what their
seeds cost, and where reports and plans tell of them."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import ROOT
from tests.contrasts_elsewhere import (
    CHOSEN,
    DENSE_RAISED,
    MOVED,
    POINTS,
    RATES,
    SHIPPED,
    search,
)
from tests.synthetic_study import write_study
from tests.synthetic_transfer import write_transfer_result
from tests.synthetic_tuning import write_tuning_result
from tflottery.experiments.claims import contrasts, judging, planning
from tflottery.experiments.claims.found import Found, pool
from tflottery.experiments.claims.planning import totals
from tflottery.experiments.claims.seeds_plan import plan_seeds, sentence
from tflottery.experiments.learning_rate.design import Cell, Trial, Tuning
from tflottery.experiments.learning_rate.results import load_tuning
from tflottery.experiments.reports import write_report
from tflottery.experiments.transfer.design import Transfer
from tflottery.experiments.transfer.results import load_transfer
from tflottery.files import seal
from tflottery.runs.specs import ancestry

# The published tables, and costs

RESULTS = ROOT / "docs" / "results"


def published() -> Found:
    """What seeds 1 to 3 gave."""
    (transfer,) = (RESULTS / "transfer" / "cnn" / "data").iterdir()
    (tuning,) = (RESULTS / "learning_rate" / "cnn" / "data").iterdir()
    return pool(transfers=[load_transfer(transfer)], tunings=[load_tuning(tuning)])


def test_published_seeds_are_seen_and_decide_nothing():
    """The numbers that docs/results says of them, from documents of an earlier version."""
    judged = {one.contrast.name: one for one in judging.judge(contrasts.load(), published())}
    for name, mean in (("transfer-dense", -0.10), ("transfer-new", 0.39),
                       ("raise-rate-sparse", -0.11), ("raise-rate-very-sparse", 0.20)):  # fmt: skip
        assert judged[name].seen.mean == pytest.approx(mean, abs=0.006), name
        assert judged[name].seen_seeds == (1, 2, 3) and judged[name].estimate is None
        assert judged[name].in_words == "not measured yet: 0 of 10 seeds"
        assert judged[name].contrast.seeds == tuple(range(4, 14))
    low, high = judged["transfer-new"].seen.interval()
    assert (round(low, 2), round(high, 2)) == (0.12, 0.67)


def test_the_cost_of_a_rates_seed_is_that_of_its_trainings():
    found = published()
    data = dataclasses.replace(CHOSEN.data, fingerprint="0" * 64)
    recipe = dataclasses.replace(CHOSEN.recipe, data=data)
    tuning = Tuning(recipe, CHOSEN.pruning, CHOSEN.tuning)
    for name in ("raise-rate-sparse", "raise-rate-very-sparse", "raise-rate-beyond-dense"):
        one = SHIPPED[name]
        specs = [
            tuning.spec(
                Trial(Cell(arm.network, level), {"learning_rate": arm.learning_rate}), seed=4
            )
            for gain in one.gains
            for arm in gain[1:]
            for level in (one.levels if arm.network == "ticket" else (0.0,))
        ]
        need = planning.need(one, found)
        assert need.cost.trainings == len(ancestry(specs)), name
        # The second arm is the configured one, so the first alone needs every round but that.
        evidence = found.at(one.place())
        alone = [spec for spec in specs if spec.recipe.training.learning_rate == 0.02]
        cells = [(gain.first, 0.0 if gain.first == DENSE_RAISED else level)
                 for gain in one.gains for level in one.levels]  # fmt: skip
        assert evidence.cost(cells).trainings == len(ancestry(alone)), name
        assert need.cost.seconds is None  # the study that tells is not there


def test_the_cost_of_a_transfers_seed_is_that_of_its_trainings():
    found = published()
    source, target = (
        dataclasses.replace(
            CHOSEN.recipe, data=dataclasses.replace(CHOSEN.data, fingerprint=letter * 64)
        )
        for letter in "ab"
    )
    transfer = Transfer(source, target, CHOSEN.pruning, (0.36, 0.832, 0.972))
    cells = {(cell.mask, cell.init, cell.level): cell.spec for cell in transfer.cells(4)}
    for name in ("transfer-dense", "transfer-new", "transfer-own"):
        one = SHIPPED[name]
        specs = [
            cells[arm.mask, arm.init, level]
            for arm in (one.first, one.second)
            for level in (one.levels if arm.has_level else (0.0,))
        ]
        assert planning.need(one, found).cost.trainings == len(ancestry(specs)), name
    # Twenty dense networks are ten more.
    whole = totals([SHIPPED["transfer-dense"]], found)[0]
    assert (whole.seeds, whole.more, whole.cost.trainings) == (10, 10, 10 * 10 + 10)
    assert "is not known here" in sentence(whole)
    seen = [cell.mask for cell in transfer.all_cells([4], [14, 15])]
    assert len(seen) == 1 + 3 * 4 + 2 and seen[-2:] == ["dense", "dense"]


# Reports and plans


@pytest.fixture
def store(tmp_path) -> Path:
    """A study, a transfer and a search of its networks, of seeds 1 to 6."""
    write_study(tmp_path, optional=False)
    write_transfer_result(tmp_path, seeds=(1, 2, 3, 4, 5, 6), config=MOVED)
    folder = write_tuning_result(tmp_path, config=RATES)
    frame = search({(arm, level): values * 2 for (arm, level), values in POINTS.items()}).trials
    shown = pd.read_csv(folder / "trials.csv")
    rows = pd.concat([frame.assign(seed=frame["seed"] - 3), shown]).ffill().bfill()
    rows.to_csv(folder / "trials.csv", index=False)
    about = (folder / "tuning.json").read_text(encoding="utf-8")
    told = {key: one for key, one in json.loads(about).items() if key not in ("files", "sha256")}
    told["found_learning_rate"] = 0.01
    (folder / "tuning.json").write_text(seal(told), encoding="utf-8")
    return tmp_path


def test_a_report_of_several_experiments_begins_with_what_was_fixed(store):
    page = write_report(store, store / "report")
    html = page.read_text(encoding="utf-8")
    (front,) = re.findall(r'<h2 id="answers">.*?</section>', html, re.DOTALL)
    listed = re.findall(r"<li>.*?</li>", front, re.DOTALL)
    assert len(listed) > 2
    for one in listed:
        outcome, place, claim = re.findall(
            r'class="outcome \w+">([^<]+)<.*?href="#([^"]+)">([^<]+)<', one, re.DOTALL
        )[0]
        (answer,) = re.findall(rf'<li id="{place}">.*?</li>', html, re.DOTALL)
        assert f"<h4>{claim}</h4>" in answer and f'">{outcome}<span>' in answer
        # The question in plain words, and a picture for each comparison that has a number.
        assert 'class="plain"' in one
        assert one.count("<circle") == answer.count("<circle")
    assert front.count("<circle") > 2
    for place in re.findall(r'<h3 class="of"><a href="#([^"]+)">', front):
        assert html.count(f'<article id="{place}"') == 1
    text = (page.parent / "report.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^## Answers\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert table.count("\n| ") == len(listed) + 1
    # Of several intervals each says what of.
    found = [line.split(" | ")[1] for line in table.splitlines() if "n = " in line]
    several = [one.split("; ") for one in found if one.count("n = ") > 1]
    named = re.compile(r"n = [\d and]+ \(.+\)$")
    assert several and all(named.search(one) for row in several for one in row)
    assert all(one.count(", n = ") == 1 for one in found if "; " not in one)
    alone = write_report(store / "studies" / "study_cnn", store / "alone")
    assert 'id="answers"' not in alone.read_text(encoding="utf-8")


def test_a_report_tells_each_contrast_in_its_own_article(store):
    page = write_report(store, store / "report")
    text = (page.parent / "report.md").read_text(encoding="utf-8")
    articles = re.split(r"^## ", text, flags=re.MULTILINE)
    (study,) = [one for one in articles if "(`study_cnn`)" in one.partition("\n")[0]]
    (transfer,) = [one for one in articles if "(`imdb-to-" in one.partition("\n")[0]]
    (rates,) = [one for one in articles if "(`imdb-cnn-grid" in one.partition("\n")[0]]
    told, _, explored = transfer.partition("#### Exploratory")
    assert "on IMDB wins on Yelp.** (transfer; in the note: transfer, 2.1.5)" in told
    assert "*Not measured yet: 3 of 10 seeds.*" in told and "dense: 7-23" in told
    assert "By all seeds that there are" in explored
    before, _, _ = rates.partition("#### Exploratory")
    assert "Very sparse networks want a higher learning rate.** (raise-rate" in before
    assert "raise-rate" not in study and "(transfer;" not in study
    tables = {path.name for path in (page.parent / "tables").iterdir()}
    of_transfer = next(name for name in tables if name.endswith("reuse-12345678-contrasts.csv"))
    rows = pd.read_csv(page.parent / "tables" / of_transfer).set_index("contrast")
    assert set(rows.index) == {
        "transfer-dense", "transfer-new", "transfer-own", "transfer-again-dense",
        "transfer-again-new",
    }  # fmt: skip
    assert rows.loc["transfer-new", "n"] == 3 and rows.loc["transfer-new", "seen_seeds"] == "1-3"


def test_folders_of_one_transfer_are_told_once(tmp_path):
    for number, seeds in ((1, (1, 2, 3)), (2, (4, 5, 6))):
        name = f"imdb-to-yelp_polarity_sample-cnn-reuse-0000000{number}"
        write_transfer_result(tmp_path, name, seeds=seeds, config=MOVED)
    page = write_report(tmp_path, tmp_path / "report")
    text = (page.parent / "report.md").read_text(encoding="utf-8")
    assert text.count("#### Fixed before the seeds were trained") == 1
    assert text.count("IMDB's ticket − new weights, on the Yelp sample, at 83.2 % pruned") == 1
    assert text.count(", beside the claim, whether it is equivalent to 0") == 1


def test_an_article_of_other_networks_has_no_contrast(tmp_path):
    write_transfer_result(tmp_path)
    text = (write_report(tmp_path, tmp_path / "report").parent / "report.md").read_text()
    assert "Fixed before" not in text and "fixed before their seeds" not in text


def test_a_plan_counts_them_or_says_that_it_does_not(store, tmp_path_factory):
    planned = plan_seeds(store)
    table = planned.contrasts.set_index("contrast")
    assert table.loc["transfer-dense", "trainings"] > 0
    assert pd.isna(table.loc["transfer-dense", "hours"])
    assert table.loc["raise-rate-sparse", "deviation"] == "0.26"
    assert table.loc["raise-rate-sparse", "hours"] > 0  # by the times of the study
    (said,) = [line for line in planned.sentences if line.startswith("transfer of study_cnn")]
    assert "from imdb to yelp_polarity_sample: 35 seeds as planned, and 85 more of dense," in said
    (without,) = [line for line in planned.sentences if "Not planned" in line]
    assert without.endswith("imdb to ag_news_sample: news-transfer-dense, news-transfer-new.")
    alone = tmp_path_factory.mktemp("alone")
    write_study(alone, optional=False)
    assert plan_seeds(alone, "study_cnn").sentences[1:] == [
        "Not planned here, as the store has no transfer of study_cnn from imdb to "
        "yelp_polarity_sample: transfer-dense, transfer-new, transfer-own, transfer-again-dense, "
        "transfer-again-new.",
        "Not planned here, as the store has no search of learning rates of study_cnn: "
        "raise-rate-sparse, raise-rate-very-sparse, raise-rate-beyond-dense.",
        "Not planned here, as the store has no transfer of study_cnn from imdb to ag_news_sample: "
        "news-transfer-dense, news-transfer-new.",
    ]
