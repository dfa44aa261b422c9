"""Transfer: the right cells, starts that are exact to the bit, what is said of the results."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from tests.conftest import SMALL, same_arrays, write_reviews
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings
from tflottery.data.words.vocabulary import Vocabulary
from tflottery.errors import UserError
from tflottery.experiments.transfer.arms import DEFAULT_ARMS
from tflottery.experiments.transfer.design import Cell, Transfer, encoded_for
from tflottery.experiments.transfer.judging import GAINS, judge
from tflottery.experiments.transfer.measuring import compare_words, name_of, write_transfer
from tflottery.files import read_sealed
from tflottery.models.roles import Roles
from tflottery.pruning import likeness, masks
from tflottery.runs.encoded import load_corpus
from tflottery.runs.inits import Snapshot
from tflottery.runs.realise import Realiser, realise_all
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import Fresh, MaskSpec, RunSpec, ancestry
from tflottery.runs.store import Store
from tflottery.runs.transferred import Fit, TransferredMask
from tflottery.tickets import plan as plans
from tflottery.tickets.settings import PruningSettings
from tflottery.training.settings import TrainingSettings

EMBEDDING = "embedding/embeddings"
PRUNING = PruningSettings(rate=0.5)
TRAINING = TrainingSettings(learning_rate=0.02, batch_size=16, epochs=1)
LEVEL = 0.75
OTHER_WORDS = {"film": "restaurant", "heart": "pizza", "bright": "crisp", "dull": "cold"}
ARM = tuple[str, str]


def write_others(path: Path, *, middling: bool = False) -> Path:
    """Reviews of the same kind with some other words, and perhaps a third class."""
    text = write_reviews(path).read_text()
    for word, other in OTHER_WORDS.items():
        text = text.replace(word, other)
    if middling:
        text += "".join(f'"neither good nor bad {n % 5}",so_so\n' for n in range(30))
    path.write_text(text)
    return path


def data_of(path: Path, size: int = 40) -> DataSettings:
    return sources.identify(DataSettings(str(path), vocabulary_size=size, max_length=12))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("transfer")
    write_reviews(folder / "films.csv")
    write_others(folder / "meals.csv")
    write_others(folder / "stars.csv", middling=True)
    return folder


def make(folder: Path, vocabulary: str = "reuse", **settings) -> Transfer:
    source = data_of(folder / "films.csv")
    target = data_of(folder / settings.pop("target", "meals.csv"))
    encoded = encoded_for(vocabulary, source, target)
    recipes = (Recipe(data, SMALL["cnn"], TRAINING) for data in (source, encoded))
    return Transfer(*recipes, PRUNING, (LEVEL,), vocabulary, **settings)


def source_ticket(made: Transfer, seed: int = 1) -> RunSpec:
    pruning = dataclasses.replace(made.pruning, sparsity=LEVEL)
    return plans.make_plan(made.source, pruning, seed).levels[-1].ticket


def by_arm(cells: list[Cell]) -> dict[ARM, RunSpec]:
    return {(cell.mask, cell.init): cell.spec for cell in cells}


class Realised:
    """A transfer's cells, realised, with the weights that each began with."""

    def __init__(self, made: Transfer, store: Store, *, seed: int = 1) -> None:
        self.specs = by_arm(made.cells(seed))
        self.home = source_ticket(made, seed)
        plan = [self.home, *self.specs.values()]
        # Their own descendants want the weights of their beginning.
        plan += [dataclasses.replace(s, init=Snapshot(s, "0ep")) for s in self.specs.values()]
        self.realise = Realiser(store, plan)
        self.runs = {arm: self.realise(spec) for arm, spec in self.specs.items()}
        self.source_mask = self.realise(self.home).masks()
        self.source_weights = self.realise.initial_weights(self.home)
        self.source_words = load_corpus(made.source.data, store).vocabulary.words
        self.target_words = load_corpus(made.target.data, store).vocabulary.words

    def begun(self, arm: ARM) -> dict[str, np.ndarray]:
        return self.runs[arm].snapshot("0ep")

    def masks(self, arm: ARM) -> masks.Masks:
        return self.runs[arm].masks()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store") / "runs")


# Plans


def test_the_default_arms_are_those_of_desai_and_each_gain_changes_one_thing(folder):
    specs = by_arm(make(folder).cells(1))
    assert list(specs) == [("dense", "fresh"), *DEFAULT_ARMS]
    for one, other in GAINS.values():
        differs = [
            name for name in ("recipe", "mask", "init", "seeds")
            if getattr(specs[one], name) != getattr(specs[other], name)
        ]  # fmt: skip
        assert len(differs) == 1
    assert len({spec.recipe for spec in specs.values()}) == 1
    assert len({spec.seeds for spec in specs.values()}) == 1


def test_the_full_grid_is_every_mask_with_all_weights(folder):
    specs = by_arm(make(folder, grid="full").cells(1))
    assert len(specs) == 1 + 16 and len({spec.key for spec in specs.values()}) == 17
    # The chain of two rounds on both sides, of which the target's last is a cell.
    assert len(ancestry(specs.values())) == 17 + (1 + 1) + 1
    late = specs["source", "source_late"].init
    assert late == dataclasses.replace(specs["source", "source"].init, at="1ep")


def test_the_targets_own_ticket_is_what_find_ticket_finds_there(folder):
    made = make(folder)
    specs = by_arm(made.cells(1))
    seed = specs["dense", "fresh"].init.seed
    plan = plans.make_plan(made.target, dataclasses.replace(PRUNING, sparsity=LEVEL), seed)
    assert plan.dense == specs["dense", "fresh"]
    assert plan.levels[-1].ticket == specs["target", "target"]
    # The same seed would begin with the very weights of the source.
    assert Fresh(seed) != source_ticket(made).init.of.init


def test_with_the_sources_vocabulary_mask_and_weights_are_those_of_the_source(folder):
    made = make(folder)
    ticket, cell = source_ticket(made), by_arm(made.cells(1))["source", "source"]
    assert (cell.mask, cell.init) == (ticket.mask, ticket.init)
    assert cell.recipe == dataclasses.replace(made.source, data=made.target.data)


def test_other_vocabularies_and_sizes_are_other_data(folder):
    plain = make(folder, "remap").target
    smaller = dataclasses.replace(plain, data=dataclasses.replace(plain.data, train_size=20))
    recipes = [plain, make(folder).target, make(folder).source, smaller]
    keys = {plans.make_plan(recipe, PRUNING, 1).dense.key for recipe in recipes}
    assert len(keys) == 4
    moved = dataclasses.replace(
        make(folder).target.data,
        vocabulary_from=(dataclasses.replace(make(folder).source.data, data_dir="/elsewhere"),),
    )
    same = dataclasses.replace(make(folder).target, data=moved)
    assert plans.make_plan(same, PRUNING, 1).dense.key in keys


def test_seeds_share_nothing(folder):
    one, two = (ancestry(c.spec for c in make(folder, grid="full").cells(s)) for s in (1, 2))
    assert not {spec.key for spec in one} & {spec.key for spec in two}


def test_a_ticket_that_was_rewound_late_has_one_pair_of_source_weights(folder):
    rewound = dataclasses.replace(PRUNING, init="rewind:1ep")
    made = dataclasses.replace(make(folder, grid="full"), pruning=rewound)
    assert {cell.init for cell in made.cells(1)} == {"fresh", "target", "source", "reinit"}


@pytest.mark.parametrize(
    "change",
    [
        {"vocabulary": "keep"},
        {"grid": "fulll"},
        {"levels": (1.0,)},
        {"pruning": PruningSettings(init="random")},
        {"pruning": PruningSettings(init="random:carried")},
        {"pruning": PruningSettings(init="random:kept")},
    ],
)
def test_transfers_that_cannot_be(folder, change):
    with pytest.raises(UserError):
        dataclasses.replace(make(folder), **change)


# Starts, to the bit


def test_every_cell_starts_at_mask_times_weights(folder, store):
    made = make(folder, grid="full")
    found = Realised(made, store)
    assert same_arrays(found.masks(("source", "source")), found.source_mask)
    assert same_arrays(
        found.begun(("source", "source")), masks.apply(found.source_mask, found.source_weights)
    )
    own_mask = found.masks(("target", "target"))
    weights = {
        "target": found.begun(("dense", "fresh")),
        "source": found.source_weights,
        "source_late": found.realise(found.home.init.of).snapshot("1ep"),
        "reinit": found.realise.initial_weights(found.specs["source", "reinit"]),
    }
    assert len({w[EMBEDDING].tobytes() for w in weights.values()}) == 4
    for arm in made.arms:
        mask = found.masks(arm)
        assert same_arrays(found.begun(arm), masks.apply(mask, weights[arm[1]])), arm
        if arm[0] == "target":
            assert same_arrays(mask, own_mask)
        for name, kept in mask.items():
            assert kept.sum() == found.source_mask[name].sum()
    drawn = {arm[0]: found.masks(arm)[EMBEDDING].tobytes() for arm in made.arms}
    assert len(set(drawn.values())) == len(drawn) == 4


def test_remapped_rows_go_with_their_words(folder, store):
    found = Realised(make(folder, "remap"), store)
    arm = ("source", "source")
    mask, weights = found.masks(arm), found.realise.initial_weights(found.specs[arm])
    own = found.begun(("dense", "fresh"))
    assert set(found.target_words) - set(found.source_words) >= {"restaurant", "pizza"}
    carried = 0
    new_kept, new_size = 0, 0
    for row, word in enumerate(found.target_words):
        if word in found.source_words:
            there = found.source_words.index(word)
            assert np.array_equal(weights[EMBEDDING][row], found.source_weights[EMBEDDING][there])
            assert np.array_equal(mask[EMBEDDING][row], found.source_mask[EMBEDDING][there])
            carried += 1
        else:
            assert np.array_equal(weights[EMBEDDING][row], own[EMBEDDING][row])
            new_kept += int(mask[EMBEDDING][row].sum())
            new_size += mask[EMBEDDING][row].size
    assert carried > 10 and new_size > 0
    rows = [row for row, word in enumerate(found.target_words) if word in found.source_words]
    density = mask[EMBEDDING][rows].mean()
    assert density != found.source_mask[EMBEDDING].mean()
    assert new_kept == round(new_size * density)
    for name in set(weights) - {EMBEDDING}:
        assert np.array_equal(weights[name], found.source_weights[name])
        if name in mask:
            assert np.array_equal(mask[name], found.source_mask[name])
    for name, kept in found.masks(("random", "reinit")).items():
        assert kept.sum() == mask[name].sum()


class Other:
    """What a transferred mask asks of a network: of its rows, 0 and 2 are of known words."""

    roles = Roles(embedding=("table",))
    prunable: ClassVar = {"table": (4, 10), "head": (2,)}

    def __init__(self, rows: list[int]) -> None:
        self.rows_in = lambda data: np.array(rows)


@dataclasses.dataclass(frozen=True)
class Uneven(MaskSpec):
    """A mask of two full rows and six empty ones."""

    def make(self, ancestors):
        table = np.zeros((8, 10), bool)
        table[:2] = True
        return {"table": table, "head": np.array([True, False])}


@pytest.mark.parametrize(
    ("like", "rows", "new"),
    [
        ("table", [0, -1, 1, -1], 5),  # a quarter of 20
        ("carried", [0, -1, 1, -1], 20),
        ("carried", [0, -1, 5, -1], 10),
        ("carried", [6, -1, 5, -1], 0),
        ("carried", [-1, -1, -1, -1], 10),  # nothing carried: a quarter of all 40
    ],
)
def test_new_rows_are_as_dense_as_those_that_are_carried_over(like, rows, new):
    fit = Fit(words_of=DataSettings(fingerprint="f"))
    made = TransferredMask(Uneven(), fit, like).make(Other(rows))
    is_new = np.array(rows) < 0
    assert made["table"][is_new].sum() == new and made["head"].tolist() == [True, False]
    known = [row for row in rows if row >= 0]
    assert np.array_equal(made["table"][~is_new], Uneven().make(None)["table"][known])


def test_transfers_of_before_can_be_made_again(folder, store):
    before, now = make(folder, "remap_v1"), make(folder, "remap")
    masks_of = [by_arm(made.cells(1))["source", "source"].mask for made in (before, now)]
    assert [mask.like for mask in masks_of] == ["table", "carried"]
    assert masks_of[0].of == masks_of[1].of and masks_of[0].fit == masks_of[1].fit
    corpora = [load_corpus(recipe.data, store) for recipe in (now.source, now.target)]
    names = {name_of(made, *corpora).rpartition("-")[0] for made in (before, now)}
    assert len(names) == 1 and name_of(before, *corpora) != name_of(now, *corpora)
    # A mask whose rows all stay where they are has the key that it always had.
    assert by_arm(make(folder, "drop").cells(1))["source", "source"].mask.like == "table"


def test_a_dropped_embedding_is_neither_carried_nor_pruned(folder, store):
    found = Realised(make(folder, "drop"), store)
    assert "restaurant" in found.target_words
    for arm in DEFAULT_ARMS:
        assert found.masks(arm)[EMBEDDING].all()
    start, own = found.begun(("source", "source")), found.begun(("dense", "fresh"))
    assert np.array_equal(start[EMBEDDING], own[EMBEDDING])
    rest = masks.apply(found.source_mask, found.source_weights)
    for name in set(start) - {EMBEDDING}:
        assert np.array_equal(start[name], rest[name])


def test_another_number_of_classes_takes_a_new_dense_head(folder, store):
    made = make(folder, target="stars.csv", same_classes=False)
    found = Realised(made, store)
    start, own = found.begun(("source", "source")), found.begun(("dense", "fresh"))
    mask = found.masks(("source", "source"))
    assert start["head/kernel"].shape[1] == 3 and mask["head/kernel"].all()
    assert np.array_equal(start["head/kernel"], own["head/kernel"])
    assert np.array_equal(start["head/bias"], own["head/bias"])
    rest = masks.apply(found.source_mask, found.source_weights)
    for name in set(start) - {"head/kernel", "head/bias"}:
        assert np.array_equal(start[name], rest[name])
    assert not found.masks(("target", "target"))["head/kernel"].all()


def test_what_is_written_is_what_the_runs_say(folder, store, monkeypatch):
    made = make(folder)
    cells = made.cells(1)
    realise = Realiser(store, [cell.spec for cell in cells])
    assert realise_all([cell.spec for cell in cells], realise) == {}
    failed = cells[-1].spec
    corpora = [load_corpus(recipe.data, store) for recipe in (made.source, made.target)]
    words = compare_words(*corpora, 40)
    written = write_transfer(made, [1], words, realise, store, {failed.key: "no memory"}, "typed")
    about = read_sealed(written / "result.json", what="transfer", format_version=1)
    assert about["command"] == "typed" and about["failures"] == [
        {"mask": "random", "init": "reinit", "level": LEVEL, "seed": 1, "reason": "no memory"}
    ]
    assert len(about["arms"]) == len(cells) - 1
    assert [gain["gain"] for gain in about["gains"]] == ["source_weights"]
    rows = pd.read_csv(written / "cells.csv", keep_default_na=False)
    assert list(rows["state"]) == ["done"] * 4 + ["failed"] and rows["reason"].iloc[-1]
    one, other = (
        realise(by_arm(cells)[arm]).masks() for arm in (("source", "source"), ("target", "target"))
    )
    overlap = {row["tensor"]: row["jaccard"] for row in about["overlap"]}
    assert overlap["all"] == likeness.overlap(one, other)
    for name in one:
        kept = {n: {name: m[name]} for n, m in (("one", one), ("other", other))}
        assert overlap[name] == likeness.overlap(kept["one"], kept["other"])
    assert "data_dir" not in json.dumps(about["config"])
    monkeypatch.setattr(Realiser, "train", lambda *a: pytest.fail("trained again"))
    more = dataclasses.replace(made, levels=(0.5, LEVEL))
    assert name_of(more, *corpora) == written.name == name_of(made, *corpora)
    slower = dataclasses.replace(
        made, source=dataclasses.replace(made.source, training=TrainingSettings())
    )
    assert name_of(slower, *corpora) != written.name


# Vocabularies


def test_reuse_encodes_with_the_sources_words_and_shared_with_those_of_both(folder, store):
    made = make(folder)
    source, target = (load_corpus(r.data, store) for r in (made.source, made.target))
    assert target.vocabulary == source.vocabulary
    assert (target.train.ids == 1).mean() > (source.train.ids == 1).mean()
    with pytest.raises(UserError, match=r"share_vocabulary="):
        make(folder, "shared")
    both = sources.identify(
        dataclasses.replace(
            data_of(folder / "films.csv", size=60), share_vocabulary=str(folder / "meals.csv")
        )
    )
    target = encoded_for("shared", both, data_of(folder / "meals.csv", size=60))
    corpora = [load_corpus(data, store) for data in (both, target)]
    assert corpora[0].vocabulary == corpora[1].vocabulary
    assert {"film", "restaurant"} <= set(corpora[0].vocabulary.words)
    assert encoded_for("reuse", both, target) == target


def test_rows_of_one_vocabulary_in_another():
    one = Vocabulary(("[PAD]", "[UNK]", "a", "b", "c"))
    other = Vocabulary(("[PAD]", "[UNK]", "c", "a"))
    assert one.rows_in(other).tolist() == [0, 1, 3, -1, 2]


# Judgement


def row(mask: str, init: str, level: float, seed: int, accuracy: float) -> dict:
    sizes = {"sparsity": level, "sparsity_without_embedding": level, "remaining": 1}
    speed = {"best_epoch": 2, "epochs": 3, "epochs_to_99": seed}
    return {"mask": mask, "init": init, "level": level, "seed": seed, "test_accuracy": accuracy,
            **sizes, **speed}  # fmt: skip


def test_judgement_by_hand():
    rows = [
        row("dense", "fresh", 0.0, 1, 0.90), row("dense", "fresh", 0.0, 2, 0.91),
        row("target", "target", 0.5, 1, 0.89), row("target", "target", 0.5, 2, 0.90),
        row("source", "source", 0.5, 1, 0.87), row("source", "source", 0.5, 2, 0.90),
        row("source", "reinit", 0.5, 1, 0.86), row("random", "reinit", 0.5, 2, 0.80),
    ]  # fmt: skip
    arms, gains = judge(rows)
    found = {(arm["mask"], arm["init"]): arm for arm in arms}
    source = found["source", "source"]
    assert source["test_accuracy"]["mean"] == pytest.approx(88.5)
    assert source["minus_dense"]["mean"] == pytest.approx(-2.0)
    assert source["minus_target_ticket"]["mean"] == pytest.approx(-1.0)
    half = 12.7062047 * np.std([-2, 0], ddof=1) / np.sqrt(2)
    assert source["minus_target_ticket"]["low"] == pytest.approx(-1 - half)
    assert source["epochs_to_99"] == 1.5
    assert found["dense", "fresh"]["minus_dense"] is None
    assert found["target", "target"]["minus_target_ticket"] is None
    # Seed 1 alone has both; no seed has the other pair.
    assert [(gain["gain"], gain["level"]) for gain in gains] == [("source_weights", 0.5)]
    assert gains[0]["difference"]["mean"] == pytest.approx(1.0)
    assert gains[0]["difference"]["low"] is None
