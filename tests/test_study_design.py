"""What a study trains: the right cells, and the masks that are drawn on the way."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.conftest import ROOT
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.experiments import configuration
from tflottery.experiments.study.arms import Cell
from tflottery.experiments.study.design import Study, make_cells
from tflottery.experiments.study.mask_rows import one_shot_mask
from tflottery.experiments.study.settings import StudySettings
from tflottery.models.shipped.cnn import Cnn
from tflottery.pruning import likeness, masks
from tflottery.runs.inits import Signs, Snapshot
from tflottery.runs.pruned import Pruned
from tflottery.runs.recipes import Recipe
from tflottery.runs.shuffled import Shuffled
from tflottery.runs.specs import Fresh, ancestry
from tflottery.tickets.settings import PruningSettings
from tflottery.training.settings import TrainingSettings

HEAD = "head/kernel"
RECIPE = Recipe(DataSettings(fingerprint="f"), Cnn(), TrainingSettings(epochs=3))


def cells(**settings) -> list[Cell]:
    return make_cells(RECIPE, PruningSettings(), StudySettings(**settings), seed=1)


def test_the_notes_grid_is_85_trainings_a_seed():
    grid = [cell for cell in cells() if cell.init != "reinit"]
    assert len(grid) == 1 + 2 * 4 * 5
    assert len(ancestry(cell.spec for cell in grid)) == 1 + 5 * 4 + 16 * 4
    # Frankle and Carbin's random protocol adds one training a level.
    assert len(ancestry(cell.spec for cell in cells())) == 85 + 5


def test_both_random_protocols_are_there_and_differ():
    found = {(cell.init, cell.level): cell.spec for cell in cells() if cell.method == "iterative"}
    ticket, own = found["original", 0.59], found["random", 0.59]
    reinit = found["reinit", 0.59]
    assert reinit.mask == ticket.mask and reinit.init != ticket.init
    assert own.mask != ticket.mask and isinstance(own.init, Fresh)


def test_controls_change_one_thing_of_the_iterative_ticket():
    made = cells(controls=(0.59,), inits=("original",))
    ticket = next(cell.spec for cell in made if (cell.method, cell.level) == ("iterative", 0.59))
    controls = {(cell.mask, cell.init): cell.spec for cell in made if cell.part == "control"}
    assert len(controls) == 6
    headless = controls["head_spared", "original"].mask
    assert headless.head is False and headless.of.mask.head is False
    shuffled = controls["shuffled", "original"]
    assert shuffled.init == ticket.init and shuffled.mask == Shuffled(
        ticket.mask, shuffled.mask.seed
    )
    signs = controls["magnitude", "signs"]
    assert signs.mask == ticket.mask and signs.init == Signs(ticket.init)
    drawn = controls["random", "original"]
    assert isinstance(drawn.mask, Pruned) and drawn.mask.criterion == "random"
    assert drawn.init == ticket.init
    matched = controls["dense", "fresh"]
    assert matched.recipe.training.epochs == 3 * 5  # dense and four rounds
    assert controls["gradual", "fresh"].mask.to == 0.59


def test_controls_spare_what_the_ticket_spares():
    pruning = PruningSettings(embedding=False, head=False)
    settings = StudySettings(controls=(0.59,), inits=("original",))
    made = make_cells(RECIPE, pruning, settings, seed=1)
    controls = {cell.mask: cell.spec.mask for cell in made if cell.part == "control"}
    for name in ("random", "gradual"):
        assert not controls[name].embedding and not controls[name].head
    assert not controls["head_pruned"].embedding and controls["head_pruned"].head


def test_the_rewind_sweep_shares_the_grids_runs():
    made = cells(rewind_levels=(0.59,), rewind_points=("0ep", "1ep", "2ep"))
    grid = {cell.spec.key for cell in made if cell.part == "grid"}
    sweep = {(cell.method, cell.init): cell.spec for cell in made if cell.part == "rewind"}
    assert len(sweep) == 6
    assert sweep["iterative", "rewind:0ep"].key in grid
    assert sweep["one_shot", "rewind:1ep"].key in grid
    assert sweep["iterative", "rewind:2ep"].key not in grid
    assert sweep["iterative", "rewind:2ep"].init == Snapshot(made[0].spec, "2ep")


def test_one_shot_may_have_levels_of_its_own():
    made = cells(one_shot_levels=(0.832,))
    assert {cell.level for cell in made if cell.method == "one_shot"} == {0.832}


def test_seeds_share_nothing():
    one, two = (make_cells(RECIPE, PruningSettings(), StudySettings(), seed) for seed in (1, 2))
    assert not {cell.spec.key for cell in one} & {cell.spec.key for cell in two}


@pytest.mark.parametrize(
    "settings",
    [
        {"levels": ()},
        {"levels": (1.0,)},
        {"controls": (0.0,)},
        {"inits": ("orginal",)},
        {"rewind_points": ("soon",)},
        {"levels": (0.5, 0.5)},
        {"inits": ("original", "rewind:0ep")},
        {"rewind_points": ("1ep", "01ep")},
        {"early_bird_points": ("1ep", "end")},
    ],
)
def test_settings_that_cannot_be(settings):
    with pytest.raises(UserError):
        StudySettings(**settings)


@pytest.mark.parametrize("key", ["early_bird_points", "instability_points"])
def test_moments_beyond_the_training_are_told_before_anything_is_trained(key):
    def study(*points: str) -> Study:
        return Study("mine", RECIPE, PruningSettings(), StudySettings(**{key: points}), (1,))

    assert study("0ep", "3ep", "900it")
    with pytest.raises(UserError, match=rf"study\.{key} holds 4ep, which lies beyond the training"):
        study("1ep", "4ep")


STUDIES = sorted(
    path.stem
    for kind in ("study", "note", "criteria", "units")
    for path in (ROOT / "configs").glob(f"{kind}_*.toml")
)


@pytest.mark.parametrize("name", STUDIES)
def test_the_studies_that_ship_can_be_planned(name):
    chosen = configuration.load(name, {})
    recipe = dataclasses.replace(chosen.recipe, data=RECIPE.data)
    study = Study(chosen.name, recipe, chosen.pruning, chosen.study, (1,))
    assert len(ancestry(study.specs(1))) > 10


@pytest.mark.parametrize(
    ("criterion", "said"),
    [("filters", 1), ("slimming", 1), ("magnitude", 0), ("snip", 0)],
)
def test_a_study_of_units_says_once_that_its_tickets_are_of_units(criterion, said):
    settings = StudySettings(criteria=("filters", "random_units"))  # of units, whatever the rest is
    study = Study("mine", RECIPE, PruningSettings(criterion=criterion), settings, (1,))
    told = [line for line in study.remarks if "they are tickets of units" in line]
    assert len(told) == said and all(f"by the criterion {criterion}" in line for line in told)
    assert study.remarks[said:] == study.left_out


def test_the_note_of_a_configuration_does_not_say_what_the_study_says():
    for path in (ROOT / "configs").glob("*.toml"):
        assert "tickets of units" not in path.read_text(encoding="utf-8"), path


def test_chance_overlap_and_distance():
    one = {"a": np.array([1, 1, 0, 0], bool)}
    other = {"a": np.array([1, 0, 1, 0], bool)}
    assert likeness.distance(one, other) == 0.5
    assert likeness.chance_overlap(one, other) == pytest.approx(1 / 3)
    assert likeness.chance_distance(one, other) == 0.5
    spared = {"b": np.ones(4, bool)}
    assert likeness.chance_distance(one | spared, other | spared) == 0.25


def drawn(weights, level: float, **pruning) -> masks.Masks:
    """The mask that one-shot pruning would draw at a moment with these weights."""
    settings = PruningSettings(**pruning)
    prunable = {name: tensor for name, tensor in weights.items() if not name.endswith("bias")}
    everything = masks.dense({name: tensor.shape for name, tensor in prunable.items()})
    mask = one_shot_mask(RECIPE, settings, level, seed=1)
    return mask.prune(everything, weights)


def test_early_bird_masks_exclude_what_the_study_excludes():
    weights = {name: np.arange(1.0, 11) for name in ("conv/kernel", HEAD)}
    for head, kept in ((True, 5), (False, 10)):
        made = drawn(weights, 0.5, head=head)
        assert made["conv/kernel"].sum() == 5 and made[HEAD].sum() == kept


def test_early_bird_masks_are_drawn_by_the_studys_own_criterion_and_scope():
    random_ = np.random.default_rng(1)
    shapes = {
        "embedding/embeddings": (30, 6), "conv_2/kernel": (2, 6, 4), "conv_2/bias": (4,),
        HEAD: (4, 2),
    }  # fmt: skip
    weights = {name: random_.normal(size=shape) for name, shape in shapes.items()}
    whole = drawn(weights, 0.5)
    assert np.abs(weights[HEAD])[whole[HEAD]].min() > np.abs(weights[HEAD])[~whole[HEAD]].max()
    by_chance = drawn(weights, 0.5, criterion="random")
    assert masks.count(by_chance) == masks.count(whole)
    assert likeness.distance(by_chance, whole) > 0.3
    everywhere = drawn(weights, 0.5, scope="global")
    assert masks.count(everywhere).remaining == masks.count(whole).remaining
    assert everywhere[HEAD].sum() != whole[HEAD].sum()


def test_early_bird_masks_of_units_prune_units_whole(small_settings):
    model = Cnn(embedding=6, widths=(2,), filters=4)
    recipe = Recipe(dataclasses.replace(small_settings, fingerprint="f"), model, TrainingSettings())
    random_ = np.random.default_rng(1)
    weights = {
        "embedding/embeddings": random_.normal(size=(30, 6)),
        "conv_2/kernel": random_.normal(size=(2, 6, 4)),
        "conv_2/bias": random_.normal(size=4),
        HEAD: random_.normal(size=(4, 2)),
    }
    names = [name for name in weights if name != "conv_2/bias"]
    everything = masks.dense({name: weights[name].shape for name in names})
    settings = PruningSettings(criterion="filters")
    made = one_shot_mask(recipe, settings, 0.5, seed=1).prune(everything, weights)
    kept = made["conv_2/kernel"].any(axis=(0, 1))
    assert kept.sum() == 2 and (made[HEAD].any(axis=1) == kept).all()
    assert made["embedding/embeddings"].any(axis=0).sum() == 3
