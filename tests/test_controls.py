"""Fair controls: what each is made of, and what no new one may change."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.experiments import configuration
from tflottery.experiments.study.arms import Cell
from tflottery.experiments.study.design import Study, make_cells
from tflottery.experiments.study.settings import CONTROLS, FEWEST_VALIDATIONS, StudySettings
from tflottery.files import sha256_of_bytes
from tflottery.models.roles import Roles
from tflottery.models.shipped.cnn import Cnn
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.masks import Masks, To
from tflottery.pruning.rates import with_rest
from tflottery.runs.inits import Snapshot
from tflottery.runs.pruned import GraduallyPruned, Pruned
from tflottery.runs.recipes import Recipe
from tflottery.runs.shuffled import Shuffled, ShuffledWords
from tflottery.runs.specs import Dense, MaskSpec, ancestry, snapshots_wanted
from tflottery.tickets.settings import PruningSettings
from tflottery.training.settings import TrainingSettings

RECIPE = Recipe(DataSettings(fingerprint="f"), Cnn(), TrainingSettings(epochs=3, patience=3))
TABLE, KERNEL = "embedding/embeddings", "conv_3/kernel"
ALL = StudySettings(
    levels=(0.36, 0.832),
    one_shot_levels=(0.832,),
    controls=(0.832,),
    dense_again=3,
    matched_lengths=("1ep", "3ep"),
    word_masks=True,
    gradual_ramp=0.75,
    ramp_levels=(0.832,),
    convergence_validations=20,
)


def cells(settings: StudySettings = ALL, recipe: Recipe = RECIPE, **pruning) -> list[Cell]:
    return make_cells(recipe, PruningSettings(**pruning), settings, seed=4)


def of(made: Iterable[Cell], part: str) -> dict[tuple[str, str, str, float], Cell]:
    return {(c.method, c.mask, c.init, c.level): c for c in made if c.part == part}


def planned(name: str, **changes) -> Study:
    """A study that ships, of seed 4, with other values of ``[study]``."""
    chosen = configuration.load(name, {})
    data = dataclasses.replace(chosen.recipe.data, fingerprint="f")
    recipe = dataclasses.replace(chosen.recipe, data=data)
    settings = dataclasses.replace(chosen.study, **changes)
    return Study(chosen.name, recipe, chosen.pruning, settings, (4,))


# What studies held before there were fair controls, and the digest of those cells and their keys.
BEFORE = {
    "study_toy": "c931b35dbd0ecd2c2b5eee8130c9f8d072d4ab9db835616954fad76de50b90c6",
    "study_cnn": "fcdb5e932aacb505a7fce813646902dc769660ff80966c3c1776f4d2c32bbff7",
    "study_lstm": "1dbafab414525b539be5e5bda082a3c2437b83598c8d2fda17e0d024830ef350",
}
OLD_PARTS = ("dense", "grid", "control", "rewind")
NEW_WORDS = {
    "learning_rate_rewinding", "fine_tuning", "trained",
    "shuffled_words", "words_only", "random_words",
}  # fmt: skip


def is_old(cell: Cell) -> bool:
    return cell.part in OLD_PARTS and not {cell.mask, cell.init} & NEW_WORDS


@pytest.mark.parametrize("name", BEFORE)
def test_no_network_that_studies_held_before_has_another_key(name):
    """If these change, the runs in every store are trained again."""
    study = planned(name)
    keys = {
        "|".join(map(str, (c.part, c.method, c.mask, c.init, c.level))): c.spec.key
        for c in study.cells(4)
        if is_old(c)
    }
    for point, *pair in study.pairs(4):
        keys.update({f"pair {point} {number}": spec.key for number, spec in enumerate(pair)})
    text = "\n".join(f"{place} {keys[place]}" for place in sorted(keys))
    assert sha256_of_bytes(text.encode()) == BEFORE[name]


def test_new_controls_ask_no_finished_training_for_another_snapshot():
    study = planned("study_cnn")
    old = [cell.spec for cell in study.cells(4) if is_old(cell)]
    before, now = snapshots_wanted(old), snapshots_wanted(study.specs(4))
    kept = {"0ep", "1ep", "end"}  # of each dense network, and the end of every run
    assert all(now[key] - before[key] <= kept for key in before)
    assert len(now) > len(before) + 50


def test_the_sweep_of_ramps_has_the_recipe_of_the_study_it_is_for():
    sweep, study = planned("study_cnn_ramp"), planned("study_cnn")
    assert (sweep.recipe, sweep.pruning) == (study.recipe, study.pruning)
    assert set(sweep.settings.ramp_levels) == set(study.settings.controls)
    assert study.settings.gradual_ramp in sweep.settings.ramps


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"dense_again": -1}, "dense_again"),
        ({"more_dense": -1}, "more_dense"),
        ({"control_kinds": ("shufled",)}, "Did you mean 'shuffled'"),
        ({"control_kinds": ("signs", "signs")}, "twice"),
        ({"matched_lengths": ("1it",)}, "whole epochs"),
        ({"matched_lengths": ("0ep",)}, "whole epochs"),
        ({"matched_lengths": ("end",)}, "whole epochs"),
        ({"matched_lengths": ("1ep", "01ep")}, "twice"),
        ({"gradual_ramp": 1.5}, "fractions of a training"),
        ({"gradual_ramp": float("nan")}, "fractions of a training"),
        ({"ramps": (0.0,)}, "fractions of a training"),
        ({"ramps": (0.5, 0.5)}, "twice"),
        ({"ramp_levels": (1.0,)}, "in \\(0, 1\\)"),
        ({"convergence_validations": FEWEST_VALIDATIONS - 1}, "at least 20"),
        ({"convergence_validations": -1}, "from 0 to"),
        ({"inits": ("finetune", "learning_rate_rewinding")}, "twice"),
    ],
)
def test_settings_that_cannot_be(settings, told):
    with pytest.raises(UserError, match=told):
        StudySettings(**settings)


@pytest.mark.parametrize("kinds", [*[(kind,) for kind in CONTROLS], ("signs", "random"), ()])
def test_control_kinds_leave_out_what_they_do_not_name(kinds):
    whole, some = of(cells(), "control"), dataclasses.replace(ALL, control_kinds=kinds)
    left = of(cells(some), "control")
    named = {
        "random": ("one_shot", "random"), "shuffled": ("iterative", "shuffled"),
        "signs": ("iterative", "magnitude"), "head": ("iterative", "head_spared"),
        "gradual": ("gradual", "gradual"), "stretched": ("dense", "dense"),
    }  # fmt: skip
    gone = {named[kind] for kind in CONTROLS if kind not in kinds}
    assert left == {
        place: cell
        for place, cell in whole.items()
        if place[:2] not in gone or place[2] == "trained"
    }


def test_more_dense_networks_are_those_of_the_seeds_that_follow():
    study = dataclasses.replace(
        planned("study_cnn", more_dense=2, instability_points=("0ep",)), seeds=(4, 9)
    )
    assert study.all_seeds == (4, 9, 10, 11)
    for seed in study.dense_alone:
        (cell,) = study.cells(seed)
        assert cell == dataclasses.replace(study, seeds=(seed,)).cells(seed)[0]
        assert study.specs(seed) == study.wanted(seed) == [cell.spec]
    none = dataclasses.replace(study, settings=dataclasses.replace(study.settings, more_dense=0))
    for seed in study.seeds:
        assert study.specs(seed) == none.specs(seed)


def test_dense_again_differs_in_all_that_is_chance():
    made = [cell for cell in cells() if cell.part in ("dense", "again")]
    assert [cell.repeat for cell in made] == [0, 1, 2, 3]
    for what in ("init", "seeds"):
        assert len({getattr(cell.spec, what) for cell in made}) == 4
    assert {cell.spec.recipe for cell in made} == {RECIPE}
    assert {cell.spec.mask for cell in made} == {Dense()}
    others = [c.spec for c in make_cells(RECIPE, PruningSettings(), ALL, seed=1) if c.repeat]
    assert not {cell.spec.key for cell in made} & {spec.key for spec in others}


def test_matched_lengths_change_the_length_alone():
    made = cells()
    tickets, longer = of(made, "grid"), of(made, "length")
    assert len(longer) == (2 + 1) * 2
    for (method, mask, init, level), cell in longer.items():
        ticket = tickets[method, mask, "original", level].spec
        epochs = {"original+1ep": 4, "original+3ep": 6}[init]
        assert cell.spec == ticket.with_training(epochs=epochs, patience=epochs)


@pytest.mark.parametrize(("patience", "longer"), [(2, 2), (3, 4), (9, 9)])
def test_a_longer_training_ends_early_only_where_others_do(patience, longer):
    recipe = RECIPE.with_training(patience=patience)
    made = of(cells(recipe=recipe), "length")
    spec = made["iterative", "magnitude", "original+1ep", 0.832].spec
    assert spec.recipe.training.patience == longer


def test_gradual_pruning_from_the_trained_network_costs_what_the_ticket_costs():
    def cost(spec) -> int:
        return sum(one.recipe.training.epochs for one in ancestry([spec]))

    made = cells()
    ticket = of(made, "grid")["iterative", "magnitude", "original", 0.832].spec
    gradual = of(made, "control")["gradual", "gradual", "trained", 0.832].spec
    assert cost(gradual) == cost(ticket) == 3 * 9
    assert gradual.mask == GraduallyPruned(0.832, 0.75)
    assert gradual.init == Snapshot(made[0].spec, "end")
    sweep = of(made, "ramp")
    assert sweep["gradual", "gradual", "trained:0.75", 0.832].spec == gradual
    assert {cell.spec.mask.over for cell in sweep.values()} == set(ALL.ramps)


@pytest.mark.parametrize("spared", ["embedding", "head"])
def test_every_control_spares_what_the_ticket_spares(spared):
    made = cells(**{spared: False})
    drawn = [
        cell.spec.mask
        for cell in made
        if cell.part in ("control", "ramp")
        and isinstance(cell.spec.mask, GraduallyPruned | Pruned)
        and not cell.mask.startswith("head")
    ]
    assert len(drawn) == 2 + 1 + 1 + len(ALL.ramps)  # random, signs; fresh, trained
    for mask in drawn:
        assert (mask.embedding, mask.head) == (spared != "embedding", spared != "head")


def test_convergence_is_the_same_training_validated_more_often():
    made = cells()
    watched, tickets = of(made, "convergence"), of(made, "grid")
    assert len(watched) == 3
    for (method, mask, init, level), cell in watched.items():
        same = made[0] if method == "dense" else tickets[method, mask, init, level]
        often = cell.spec.recipe.training.validations_per_epoch
        assert cell.spec == same.spec.with_training(validations_per_epoch=often)
        assert often * 3 >= 20
    # A study that validates as often already trains nothing more.
    often = RECIPE.with_training(validations_per_epoch=9)
    grid = {cell.spec for cell in cells(recipe=often) if cell.part in ("dense", "grid")}
    assert {cell.spec for cell in cells(recipe=often) if cell.part == "convergence"} <= grid


def test_word_masks_change_the_mask_alone():
    made = cells()
    ticket = of(made, "grid")["iterative", "magnitude", "original", 0.832].spec
    controls = of(made, "control")
    shuffled = controls["iterative", "shuffled", "original", 0.832].spec.mask
    assert isinstance(shuffled, Shuffled)
    for name, mask in {
        "shuffled_words": ShuffledWords(ticket.mask, shuffled.seed),
        "words_only": ShuffledWords(ticket.mask, shuffled.seed, others=False),
        "random_words": ShuffledWords(ticket.mask, shuffled.seed, dealt=True),
    }.items():
        spec = controls["iterative", name, "original", 0.832].spec
        assert spec == dataclasses.replace(ticket, mask=mask)


SPARED = {"shuffled_words", "words_only", "random_words"}


@pytest.mark.parametrize(
    ("pruning", "missing", "told"),
    [
        ({}, set(), ()),
        ({"scope": "global"}, {"gradual"}, ("scope global",)),
        ({"scope": "lamp"}, {"gradual"}, ("scope lamp",)),
        ({"rates": (("embedding", 0.3), ("head", 0.1))}, {"gradual"}, ("rates by layer",)),
        ({"criterion": "random"}, {"gradual"}, ("criterion random",)),
        ({"criterion": "filters"}, {"gradual"}, ("criterion filters",)),
        ({"embedding": False}, SPARED, ("no embedding is pruned",)),
    ],
)
def test_controls_follow_scope_and_criterion_or_are_left_out(pruning, missing, told):
    everything = {cell.mask for cell in cells() if cell.part in ("control", "ramp")}
    made = cells(**pruning)
    controls = {cell.mask: cell.spec.mask for cell in made if cell.part in ("control", "ramp")}
    assert everything - set(controls) == missing
    study = Study("mine", RECIPE, PruningSettings(**pruning), ALL, (4,))
    lines = study.left_out
    assert len(lines) == len(told)
    assert all(text in line for text, line in zip(told, lines, strict=True))
    if "random" in controls:
        scope = pruning.get("scope", "layerwise")
        drawn = controls["random"]
        assert isinstance(drawn, Pruned)
        chance = "random_units" if pruning.get("criterion") == "filters" else "random"
        assert (drawn.scope, drawn.criterion, drawn.amount) == (scope, chance, To(0.832))
        rates = with_rest(pruning.get("rates", ()), 0.2)
        assert drawn.rates == rates == controls["shuffled"].of.rates
    ticket = of(made, "grid")["iterative", "magnitude", "original", 0.832].spec.mask
    assert controls["shuffled"].of == ticket and ticket.scope == pruning.get("scope", "layerwise")


def test_masks_of_early_moments_need_a_criterion_that_reads_no_other_ones():
    early = StudySettings(early_bird_points=("1ep",))
    for criterion, told in (("magnitude", 0), ("taylor", 0), ("snip", 1), ("movement", 1)):
        study = Study("mine", RECIPE, PruningSettings(criterion=criterion), early, (4,))
        assert len(study.left_out) == told
        assert all("moments" in line and criterion in line for line in study.left_out)


def test_a_study_without_controls_leaves_none_out():
    assert Study("a", RECIPE, PruningSettings(scope="global"), StudySettings(), (1,)).left_out == ()


@dataclasses.dataclass(frozen=True)
class Given(MaskSpec):
    """A mask as it is."""

    masks: dict

    def make(self, ancestors) -> Masks:
        return self.masks


@dataclasses.dataclass(frozen=True)
class Network:
    """What a permuted mask asks of a network."""

    roles: Roles


kept = st.fixed_dictionaries(
    {TABLE: arrays.arrays(bool, (9, 4)), KERNEL: arrays.arrays(bool, (3, 4, 5))}
)


@given(kept, st.integers(0, 99), st.booleans(), st.booleans())
def test_words_keep_their_weights_or_are_dealt_them(masks, seed, dealt, others):
    network = Network(Roles(embedding=(TABLE,)))
    made = ShuffledWords(Given(masks), seed, dealt, others).make(network)
    rows, before = (one[TABLE].sum(axis=1).tolist() for one in (made, masks))
    assert sorted(rows) == sorted(before) if dealt else rows == before
    assert mask_ops.count(made) == mask_ops.count(masks)
    # All that is no embedding is as in the control that permutes everything.
    other = mask_ops.shuffle(masks, seed)[KERNEL] if others else masks[KERNEL]
    assert np.array_equal(made[KERNEL], other)


def test_which_tensor_is_the_embedding_is_told_by_its_role():
    masks = {"a": np.eye(8, dtype=bool), "b": np.eye(8, dtype=bool)}
    made = ShuffledWords(Given(masks), 1, others=False).make(Network(Roles(embedding=("b",))))
    assert np.array_equal(made["a"], masks["a"]) and not np.array_equal(made["b"], masks["b"])
