"""Fair controls: what each is made of, and what no new one may change."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests import synthetic_study
from tests.conftest import ROOT
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.experiments import configuration
from tflottery.experiments.reports import write_report
from tflottery.experiments.study.arms import Cell
from tflottery.experiments.study.cells import Results
from tflottery.experiments.study.design import Study, make_cells
from tflottery.experiments.study.fair_tables import best_dense, converged, dense_again, lengths
from tflottery.experiments.study.measuring import CONVERGED_WITHIN, run_study, write_study
from tflottery.experiments.study.results import load_study
from tflottery.experiments.study.settings import CONTROLS, FEWEST_VALIDATIONS, StudySettings
from tflottery.files import sha256_of_bytes
from tflottery.models.roles import Roles
from tflottery.models.shipped.cnn import Cnn
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.masks import Masks, To
from tflottery.pruning.rates import with_rest
from tflottery.runs.inits import Snapshot
from tflottery.runs.pruned import GraduallyPruned, Pruned
from tflottery.runs.realise import Realiser
from tflottery.runs.recipes import Recipe
from tflottery.runs.shuffled import Shuffled, ShuffledWords
from tflottery.runs.specs import Dense, MaskSpec, ancestry, snapshots_wanted
from tflottery.runs.store import Store
from tflottery.tickets.plan import PruningSettings
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
        ({"convergence_validations": -1}, "at least 20"),
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
        ({"criterion": "filters"}, {"gradual", "random"}, ("criterion filters", "whole units")),
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
        assert (drawn.scope, drawn.criterion, drawn.amount) == (scope, "random", To(0.832))
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


@pytest.fixture(scope="module")
def carried_out(small_settings, tmp_path_factory) -> tuple[Study, Store, Path]:
    """A study of a tiny network with every control."""
    training = TrainingSettings(
        learning_rate=0.02, decay="linear", batch_size=16, epochs=2, patience=2
    )
    settings = StudySettings(
        levels=(0.5,),
        inits=("original", "learning_rate_rewinding", "fine_tuning"),
        controls=(0.5,),
        dense_again=2,
        more_dense=1,
        matched_lengths=("1ep",),
        word_masks=True,
        gradual_ramp=0.5,
        ramp_levels=(0.5,),
        ramps=(0.5,),
        convergence_validations=20,
    )
    recipe = Recipe(small_settings, Cnn(embedding=6, widths=(2,), filters=4), training)
    study = Study("fair", recipe, PruningSettings(rate=0.5), settings, (1,))
    store = Store(tmp_path_factory.mktemp("fair") / "runs")
    realise = Realiser(store, [spec for seed in study.all_seeds for spec in study.wanted(seed)])
    assert run_study(study, realise) == {}
    write_study(study, realise, store, {}, "bin/study")
    return study, store, store.root / "studies" / "fair"


def test_every_control_trains_and_is_read_back(carried_out):
    study, _, folder = carried_out
    frame = load_study(folder).cells
    (more,) = frame[frame["seed"] == 2].to_dict("records")
    assert (more["part"], more["key"]) == ("dense", study.cells(2)[0].spec.key)
    frame = frame[frame["seed"] == 1]
    assert len(frame) == len(study.cells(1)) and set(frame["state"]) == {"done"}
    assert sorted(frame["repeat"]) == [0] * (len(frame) - 2) + [1, 2]
    columns = ["part", "method", "mask", "init", "repeat"]
    rows = {tuple(row[name] for name in columns): row for row in frame.to_dict("records")}
    ticket = rows["grid", "iterative", "magnitude", "original", 0]
    gradual = rows["control", "gradual", "gradual", "trained", 0]
    assert gradual["epochs_behind"] == ticket["epochs_behind"] == 2 * 2
    assert gradual["sparsity"] == pytest.approx(0.5, abs=0.01)
    tuned, rewound = (
        rows["grid", "iterative", "magnitude", init, 0]
        for init in ("fine_tuning", "learning_rate_rewinding")
    )
    assert tuned["test_loss"] != rewound["test_loss"]
    assert rows["length", "iterative", "magnitude", "original+1ep", 0]["epochs"] == 3


def test_permuted_masks_keep_as_many_weights_as_the_ticket(carried_out):
    study, store, _ = carried_out
    made = study.cells(1)
    found = {
        cell.mask: store.find(cell.spec.key).masks() for cell in made if cell.part == "control"
    }
    ticket = store.find(
        of(made, "grid")["iterative", "magnitude", "original", 0.5].spec.key
    ).masks()
    (table,) = study.recipe.model.roles().embedding
    rows = ticket[table].sum(axis=1)
    for name in ("shuffled_words", "words_only"):
        assert np.array_equal(found[name][table].sum(axis=1), rows)
        assert not np.array_equal(found[name][table], ticket[table])
    assert sorted(found["random_words"][table].sum(axis=1)) == sorted(rows)
    assert not np.array_equal(found["random_words"][table].sum(axis=1), rows)
    for name in set(ticket) - {table}:
        assert np.array_equal(found["words_only"][name], ticket[name])
        assert np.array_equal(found["shuffled_words"][name], found["shuffled"][name])


def test_steps_to_dense_are_counted_against_one_threshold(carried_out):
    study, store, folder = carried_out
    watched = of(study.cells(1), "convergence")
    dense = store.find(watched["dense", "dense", "fresh", 0.0].spec.key)
    goal = dense.history[-1]["val_accuracy"] - CONVERGED_WITHIN
    frame = load_study(folder).cells
    assert frame[frame["part"] != "convergence"]["steps_to_dense"].isna().all()
    rows = frame[frame["part"] == "convergence"]
    assert len(rows) == 3
    for row in rows.itertuples():
        history = store.find(row.key).history
        reached = [h["step"] for h in history if h["val_accuracy"] >= goal - 1e-6]
        assert row.steps_to_dense == reached[0] if reached else np.isnan(row.steps_to_dense)
    assert rows[rows["method"] == "dense"]["steps_to_dense"].notna().all()


def test_networks_trained_again_are_no_arm_of_their_own(carried_out):
    _, _, folder = carried_out
    results = Results(load_study(folder))
    assert "again" not in {cell.arm.part for cell in results.cells}
    assert set(results.dense_by_seed) == {1, 2}


def with_rows(store: Path, *rows: dict) -> Results:
    """A made-up study of three seeds with more rows in its cells; what they leave out is as in the
    first row, which is dense."""
    folder = synthetic_study.write_study(store, levels=(0.36,), controls=False, optional=False)

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        first = frame.iloc[0].to_dict()
        return pd.concat([frame, pd.DataFrame([{**first, **row} for row in rows])])

    synthetic_study.edit(folder, "cells.csv", change)
    return Results(load_study(folder))


def test_the_best_dense_network_is_chosen_by_validation_data_among_as_many(tmp_path):
    def again(seed, repeat, validation, test):
        return {"part": "again", "seed": seed, "repeat": repeat,
                "val_accuracy": validation, "test_accuracy": test}  # fmt: skip

    results = with_rows(
        tmp_path,
        again(1, 1, 0.95, 0.81), again(1, 2, 0.95, 0.82), again(1, 3, 0.96, 0.83),
        again(2, 1, 0.10, 0.99), again(2, 2, 0.97, 0.84), again(2, 3, 0.10, 0.99),
        again(3, 1, 0.99, 0.85), {**again(3, 2, None, None), "state": "failed"},
    )  # fmt: skip
    own = results.dense_by_seed
    assert best_dense(results, 1) == own
    assert best_dense(results, 2) == pytest.approx({1: 81, 2: own[2], 3: 85})
    assert best_dense(results, 3) == pytest.approx({1: 81, 2: 84})  # of equal ones the first
    assert best_dense(results, 4) == pytest.approx({1: 83, 2: 84})
    assert best_dense(results, 5) == {}
    # Two rounds and the dense network.
    (row,) = dense_again(results).rows
    assert (row["trainings"], row["n"], row["best"]) == (3, 2, pytest.approx(82.5))
    tickets = results.accuracies("iterative", "original", 0.36)
    assert row["gain"] == pytest.approx((tickets[1] - 81 + tickets[2] - 84) / 2)


def test_late_rewinding_is_compared_at_its_length(tmp_path):
    grid = {"part": "length", "method": "iterative", "mask": "magnitude", "level": 0.36}
    found = [
        {**grid, "init": init, "seed": seed, "test_accuracy": accuracy}
        for init, accuracy in (
            ("original+1ep", 0.86),
            ("original+2ep", 0.87),
            ("original+3ep", 0.88),
        )
        for seed in (1, 2, 3)
    ]
    results = with_rows(tmp_path, *found)
    one, two, three = lengths(results).rows
    assert (one["arm"], three["arm"]) == ("original + 1 ep", "original + 3 ep")
    # The dense networks had three epochs; nothing in this study was rewound to the second one.
    assert (one["against"], three["against"]) == ("rewind 1 ep", "rewind end")
    assert two["against"] is None and "late" not in two
    for row, init, mean in ((one, "rewind:1ep", 86), (three, "rewind:end", 88)):
        late = results.accuracies("iterative", init, 0.36)
        original = results.accuracies("iterative", "original", 0.36)
        assert row["late"] == pytest.approx(np.mean(list(late.values())) - mean)
        assert row["longer"] == pytest.approx(mean - np.mean(list(original.values())))


def test_seeds_that_never_reach_dense_are_counted(tmp_path):
    watched = {"part": "convergence", "steps_per_epoch": 100}
    sparse = {**watched, "method": "iterative", "mask": "magnitude", "init": "original",
              "level": 0.36}  # fmt: skip
    results = with_rows(
        tmp_path,
        *({**watched, "seed": seed, "steps_to_dense": 100 * seed} for seed in (1, 2, 3)),
        *({**sparse, "seed": seed, "steps_to_dense": steps}
          for seed, steps in ((1, 150), (2, 270), (3, None))),
    )  # fmt: skip
    dense, ticket = converged(results).rows
    assert (dense["reached"], dense["steps"]) == ("3 of 3", 200)
    assert (ticket["reached"], ticket["steps"]) == ("2 of 3", 210)
    assert ticket["slower"] == pytest.approx((50 + 70) / 2) and "slower" not in dense


def test_a_study_without_fair_controls_has_none_of_these_tables(tmp_path):
    results = with_rows(tmp_path)
    assert (dense_again(results), lengths(results), converged(results)) == (None, None, None)


def test_the_report_shows_every_control_by_a_name_of_its_own(carried_out, tmp_path):
    _, _, folder = carried_out
    results = Results(load_study(folder))
    labels = [arm.label for arm in results.arms("control")]
    assert len(set(labels)) == len(labels) == 10
    page = write_report(folder, tmp_path / "report").read_text(encoding="utf-8")
    for text in (
        "dense, stretched", "gradual, from trained", "shuffled in words", "random words",
        "original + 1 ep", "Dense at the cost of a ticket", "minus best dense",
        "seeds that reach it", "rate rewinding", "fine-tuning",
    ):  # fmt: skip
        assert text in page


@pytest.mark.parametrize(
    "folder", sorted((ROOT / "docs/results").glob("study_*/data/*/study.json"))
)
def test_studies_of_before_are_read_as_before(folder):
    study = load_study(folder.parent)
    assert (study.cells["repeat"] == 0).all() and study.cells["steps_to_dense"].isna().all()
    raw = pd.read_csv(folder.parent / "cells.csv", keep_default_na=False)
    assert len(raw) == len(study.cells) and set(raw["part"]) <= set(OLD_PARTS)


@pytest.mark.long
def test_the_toy_study_of_controls_trains_every_arm(command, tmp_path):
    done = command("study", "--config", "study_toy_controls", "--seeds", "1")
    assert done.returncode == 0, done.stderr
    frame = load_study(tmp_path / "runs" / "studies" / "study_toy_controls").cells
    assert set(frame["state"]) == {"done"}
    assert set(frame["part"]) >= {"again", "length", "ramp", "convergence"}
    assert {*frame["mask"], *frame["init"]} >= NEW_WORDS
