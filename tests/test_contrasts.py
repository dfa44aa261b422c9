"""The contrasts that were fixed beforehand: their file, their table in the docs, their mistakes."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace

import pytest

from tests.conftest import ROOT
from tests.test_controls import planned
from tflottery.errors import UserError
from tflottery.experiments.claims import contrasts
from tflottery.experiments.study.cells import Arm
from tflottery.experiments.study.comparison import PART

SHIPPED = contrasts.load()
FILE = (ROOT / "configs" / "claims.toml").read_text(encoding="utf-8")


def test_docs_and_file_say_the_same():
    """Run python docs/contrasts.py."""
    spec = importlib.util.spec_from_file_location("contrasts", ROOT / "docs" / "contrasts.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = module.PAGE.read_text(encoding="utf-8")
    assert module.written(page) == page
    rows = re.findall(r"^\| [\w-]+ \| (?:CNN|LSTM|both)[ ,]", page, re.MULTILINE)
    assert len(rows) == len(SHIPPED.all) >= 16


def test_every_claim_of_a_contrast_is_one_of_the_notes():
    page = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    claims = set(re.findall(r"^\| \*\*([\w-]+)\*\*", page, re.MULTILINE))
    assert {one.claim for one in SHIPPED.all} <= claims


def test_every_contrast_asks_for_cells_that_its_study_has():
    """By the configurations: arms and levels, and the number of levels that are all of them."""
    from tflottery.experiments import configuration

    for one in SHIPPED.current:
        for name in one.studies if one.experiment == "study" else ():
            held = configuration.load(name, {}).study
            for arm in (one.first, one.second):
                if arm.part != "grid":
                    continue
                known = held.levels_of(arm.method)
                assert set(one.levels) <= set(known), one.name
                assert arm.init in (*held.inits, "reinit"), one.name


@pytest.mark.parametrize(
    ("study", "count", "seeds"),
    [
        ("criteria_cnn", 10, range(14, 19)),
        ("criteria_cnn_global", 4, range(14, 19)),
        ("criteria_lstm", 3, range(14, 17)),
        ("units_cnn", 4, range(14, 19)),
    ],
)
def test_every_contrast_of_criteria_asks_for_networks_that_its_study_trains(study, count, seeds):
    asked = [one for one in SHIPPED.current if one.study == study]
    assert len(asked) == count
    trained = {
        (Arm(cell.part, cell.method, cell.mask, cell.init), cell.level)
        for cell in planned(study).cells(4)
    }
    for one in asked:
        assert one.first.part == one.second.part == PART and one.is_paired
        # Of these seeds only dense had been trained before.
        assert not any(arm.is_dense for arm in (one.first, one.second))
        assert one.seeds == one.second_seeds == tuple(seeds)
        wanted = {(arm, level) for arm in (one.first, one.second) for level in one.levels}
        assert wanted <= trained, one.name


def test_a_contrast_as_it_is_read():
    (one,) = [each for each in SHIPPED.all if each.name == "cnn-ticket-dense"]
    assert one.first == Arm("grid", "iterative", "magnitude", "original")
    assert one.second == Arm("dense", "dense", "dense", "fresh")
    assert (one.levels, one.asked, one.margins) == ((0.832,), "not worse", (0.5,))
    assert one.seeds == tuple(range(4, 14)) and one.second_seeds == tuple(range(4, 24))
    assert not one.is_paired and one.unit == "points" and one.written.year == 2026
    assert one.when == "2026-11-26 07:38 UTC" and not one.exception
    kinds = {each.name: each.is_paired for each in SHIPPED.all}
    assert kinds["cnn-ticket-new"] and kinds["random-when-sparse-iterative"]
    assert not kinds["lstm-clearer"] and not kinds["sparse-slower"]


NEW = """
[contrast.later]
claim = "cnn-ticket"
says = "iterative ticket − new weights"
study = "study_cnn"
first = "iterative_ticket"
second = "iterative_new_weights"
levels = [0.738]
asked = "above"
seeds = "4-13"
written = "2027-01-02"
replaces = "cnn-ticket-new"
"""


def _load(tmp_path, text: str) -> contrasts.Contrasts:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return contrasts.load(path)


def test_an_amended_contrast_keeps_the_old_one(tmp_path):
    amended = _load(tmp_path, FILE + NEW)
    before = _load(tmp_path, FILE)
    assert {one.name for one in amended.replaced} == {
        "cnn-ticket-new", *(one.name for one in before.replaced)
    }  # fmt: skip
    # The amended one stands where the old one stood.
    assert [one.name for one in amended.current] == [
        "later" if one.name == "cnn-ticket-new" else one.name for one in before.current
    ]
    assert [one.name for one in amended.family("cnn-ticket")] == ["cnn-ticket-dense", "later"]
    shown = contrasts.table(amended, {one.study: "CNN" for one in amended.all})
    judged, _, kept = shown.partition("Replaced")
    assert "| 73.8 % |" in judged and "new weights | 83.2 % | above 0" in kept
    assert "| cnn-ticket | CNN | iterative ticket − new weights | 83.2 %" not in judged


def test_when_it_was_written_and_what_had_been_seen_is_shown(tmp_path):
    timed = NEW.replace("2027-01-02", "2027-01-02 03:04")
    for text, when in ((NEW, "2027-01-02"), (timed, "2027-01-02 03:04")):
        (one,) = [each for each in _load(tmp_path, FILE + text).all if each.name == "later"]
        assert one.when.removesuffix(" UTC") == when
        assert contrasts.table(
            contrasts.Contrasts((replace(one, replaces=""),)), {one.study: "CNN"}
        ).endswith(f"| {when} |")
    # Whatever was amended was so at a later moment, and the old entry is kept.
    for one in SHIPPED.all:
        if one.replaces:
            (old,) = [each for each in SHIPPED.replaced if each.name == one.replaces]
            assert old.written <= one.written
    with_exceptions = {one.claim for one in SHIPPED.current if one.exception}
    page = " ".join((ROOT / "docs" / "claims.md").read_text(encoding="utf-8").split())
    told = page.partition("The exceptions:")[2].partition("How outcomes")[0]
    names = {one.claim for one in SHIPPED.all}
    assert with_exceptions == {name for name in names if f"*{name}*" in told}


MISTAKES = [
    ("a level of 1", "levels = [0.738]", "levels = [1.0]", "later.levels holds 1"),
    ("a level twice", "levels = [0.738]", "levels = [0.5, 0.5]", "a level twice"),
    ("no levels", "levels = [0.738]", "", "later has no levels"),
    ("a word for levels", "levels = [0.738]", 'levels = "all"', "type list"),
    ("no such arm", '"iterative_ticket"', '"iterativ_ticket"', "Did you mean 'iterative_ticket'"),
    ("with itself", '"iterative_new_weights"', '"iterative_ticket"', "with itself"),
    ("best dense first", '"iterative_ticket"', '"best_dense"', "second alone"),
    ("no such question", '"above"', '"better"', "later.asked is not 'better'"),
    ("margins of above", '"above"', '"above"\nmargins = [0.5]', "takes no margins"),
    ("no margins", '"above"', '"equivalent"', "needs margins"),
    ("wrong order", '"above"', '"equivalent"\nmargins = [0.25, 0.5]', "widest to the narrowest"),
    ("no margin at all", '"above"', '"equivalent"\nmargins = [0.0]', "not above 0"),
    ("two margins", '"above"', '"not worse"\nmargins = [0.5, 0.25]', "has one margin"),
    ("steps", '"above"', '"equivalent"\nmargins = [0.5]\nmeasure = "steps_to_dense"', "in points"),
    ("no seeds", 'seeds = "4-13"', "", "later has no seeds"),
    ("one seed", '"4-13"', '"4"', "two seeds or more"),
    ("seeds backwards", '"4-13"', '"13-4"', "two seeds or more"),
    ("seeds in words", '"4-13"', '"ten"', "as 4-13"),
    ("more of a pair", '"4-13"', '"4-13"\nsecond_seeds = "4-23"', "paired by seed"),
    ("no day", '"2027-01-02"', '"soon"', "as 2026-11-30"),
    ("written before", '"2027-01-02"', '"2020-01-02"', "was written after it"),
    ("replaces nothing", '"cnn-ticket-new"', '"cnn-tickets-new"', "Did you mean 'cnn-ticket-new'"),
    ("of another claim", '"cnn-ticket"', '"lstm-ticket"', "is of the claim cnn-ticket"),
    ("minus itself", "levels", 'minus_study = "study_cnn"\nlevels', "as study is"),
    ("no such key", "levels", "level = 1\nlevels", "no key contrast.later.level"),
    ("another table", "[contrast.later]", "[claims.later]", "no table claims"),
]


@pytest.mark.parametrize(
    ("old", "new", "said"), [one[1:] for one in MISTAKES], ids=lambda x: x[:30]
)
def test_a_mistake_is_one_line(tmp_path, old, new, said):
    with pytest.raises(UserError, match=re.escape(said)) as caught:
        _load(tmp_path, FILE + NEW.replace(old, new, 1))
    assert "\n" not in str(caught.value) and "mine.toml" in str(caught.value)


def test_a_contrast_that_two_replace(tmp_path):
    again = NEW.replace("later", "latest").replace("[0.738]", "[0.59]")
    with pytest.raises(UserError, match="as another one does"):
        _load(tmp_path, FILE + NEW + again)
    with pytest.raises(UserError, match="known without an entry"):
        _load(tmp_path, FILE + '[arm.best_dense]\npart = "dense"\n')
    with pytest.raises(UserError, match=r"arm\.mine has no method"):
        _load(tmp_path, FILE + '[arm.mine]\npart = "grid"\n')
