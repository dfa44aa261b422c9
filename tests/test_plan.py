"""Plans and verdicts, without training: which runs are planned, and how results are judged."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.registries import put_back
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.models.shipped.cnn import Cnn
from tflottery.pruning import masks
from tflottery.pruning.criteria import register_criterion
from tflottery.pruning.masks import By, To
from tflottery.runs.inits import Snapshot
from tflottery.runs.pruned import Pruned
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import Dense, Fresh, RunSpec
from tflottery.tickets import plan as plans
from tflottery.tickets import search as searching
from tflottery.tickets.applicable import require_steps_reached, require_within_reach
from tflottery.tickets.methods import FINDING_TICKETS
from tflottery.tickets.plan import make_plan
from tflottery.tickets.settings import PruningSettings
from tflottery.training.rates import rate
from tflottery.training.settings import TrainingSettings

RECIPE = Recipe(DataSettings(fingerprint="f"), Cnn(), TrainingSettings())


def plan(**settings) -> plans.Plan:
    return make_plan(RECIPE, PruningSettings(**settings), seed=1)


def tickets(made: plans.Plan) -> list[RunSpec]:
    return [level.ticket for level in made.levels]


@pytest.mark.parametrize(
    ("sparsity", "rounds", "last"),
    [
        (0.2, 1, By(0.2)),
        (0.36, 2, By(0.2)),
        (0.59, 4, By(0.2)),
        (0.738, 6, By(0.2)),
        (0.832, 8, By(0.2)),
        (0.972, 16, By(0.2)),
        (0.5, 4, To(0.5)),
        (0.1, 1, To(0.1)),
        (0.0, 1, To(0.0)),
    ],
)
def test_iterative_rounds_reach_the_sparsity_asked_for(sparsity, rounds, last):
    made = plan(sparsity=sparsity)
    amounts = [ticket.mask.amount for ticket in tickets(made)]
    assert amounts == [By(0.2)] * (rounds - 1) + [last]


def test_iterative_prunes_each_round_from_the_one_before_and_rewinds_to_dense():
    made = plan(sparsity=0.488)
    parents = [ticket.mask.of for ticket in tickets(made)]
    assert parents == [made.dense, *tickets(made)[:-1]]
    assert {ticket.init for ticket in tickets(made)} == {Snapshot(made.dense, "0ep")}
    assert made.dense.mask == Dense() and made.dense.init == Fresh(1)


def test_one_shot_prunes_dense_at_once():
    (ticket,) = tickets(plan(method="one_shot", sparsity=0.832))
    assert ticket.mask.amount == To(0.832) and ticket.mask.of.mask == Dense()
    levels = tickets(plan(method="one_shot"))
    assert all(ticket.mask.of.mask == Dense() for ticket in levels)
    assert [round(ticket.mask.amount.sparsity, 3) for ticket in levels[:3]] == [0.2, 0.36, 0.488]


@pytest.mark.parametrize("method", FINDING_TICKETS)
def test_initialisations(method):
    def inits(name: str) -> list:
        return [ticket.init for ticket in tickets(plan(method=method, init=name, sparsity=0.36))]

    dense = plan().dense
    assert set(inits("original")) == set(inits("rewind:0ep")) == {Snapshot(dense, "0ep")}
    assert set(inits("rewind:1ep")) == {Snapshot(dense, "1ep")}
    assert set(inits("rewind:end")) == {Snapshot(dense, "end")}
    drawn = inits("random")
    assert all(isinstance(init, Fresh) and init != dense.init for init in drawn)
    assert len(set(drawn)) == len(drawn)  # each round draws its own


@pytest.mark.parametrize("method", FINDING_TICKETS)
@pytest.mark.parametrize("init", ["learning_rate_rewinding", "fine_tuning", "finetune"])
def test_weights_of_the_round_before_go_on(method, init):
    made = plan(method=method, init=init, sparsity=0.36)
    for ticket in tickets(made):
        assert ticket.init == Snapshot(ticket.mask.of, "end")


def test_learning_rate_rewinding_is_what_finetune_was():
    one, other = (
        plan(init=name, sparsity=0.36) for name in ("learning_rate_rewinding", "finetune")
    )
    assert [spec.key for spec in one.specs()] == [spec.key for spec in other.specs()]


SCHEDULED = RECIPE.with_training(learning_rate=0.01, warmup=0.5, decay="linear")


@pytest.mark.parametrize(
    ("decay", "low"), [("none", 0.01), ("linear", 0.0005), ("cosine", 0.0000818)]
)
def test_fine_tuning_trains_at_the_low_rate_that_the_schedule_ends_with(decay, low):
    recipe = SCHEDULED.with_training(decay=decay)
    made = make_plan(recipe, PruningSettings(init="fine_tuning", sparsity=0.36), seed=1)
    slow = recipe.with_training(learning_rate=low, warmup=0.0, decay="none")
    assert [ticket.recipe for ticket in tickets(made)] == [slow, slow]
    # What they are compared with goes through the whole schedule.
    assert {made.dense.recipe, *(level.reinit.recipe for level in made.levels)} == {recipe}
    mean = np.mean([rate(recipe.training, step, 1_000) for step in range(3_650, 4_000)])
    assert low == pytest.approx(mean, rel=0.02)


def test_a_rule_of_rates_moves_the_low_rate_too():
    made = make_plan(SCHEDULED, PruningSettings(init="fine_tuning", sparsity=0.2), seed=1)
    (level,) = plans.at_rates(made, lambda sparsity: 0.03 if sparsity else 0.02).levels
    assert level.ticket.recipe.training.learning_rate == 0.0015
    assert level.ticket.recipe.training.decay == "none"
    assert level.reinit.recipe.training.learning_rate == 0.03


def test_reinit_keeps_the_mask_and_draws_new_weights():
    made = plan(sparsity=0.36)
    for level in made.levels:
        assert level.reinit.mask == level.ticket.mask and level.reinit.seeds == level.ticket.seeds
        assert level.reinit.init not in (made.dense.init, level.ticket.init)
    assert made.specs() == [made.dense, *tickets(made), made.levels[-1].reinit]


def test_settings_reach_the_mask():
    chosen = {"scope": "global", "criterion": "random", "embedding": False, "head": False}
    (ticket,) = tickets(plan(sparsity=0.2, **chosen))
    assert ticket.mask == Pruned(ticket.mask.of, By(0.2), seed=1, **chosen)


@dataclass
class Result:
    """A stand-in for a run: an accuracy on validation and on test data, and a mask."""

    metrics: dict[str, float]
    kept: np.ndarray = field(default_factory=lambda: np.ones(4, bool))

    def masks(self):
        return {"embedding/embeddings": self.kept, "head/kernel": np.ones(2, bool)}


class Results:
    """Returns for each spec the accuracy that the test gives it; records the specs asked for."""

    def __init__(self, made, dense, rounds, reinit):
        self.accuracy = {made.dense.key: dense}
        for level, value in zip(made.levels, rounds, strict=False):
            self.accuracy[level.ticket.key] = value
            self.accuracy[level.reinit.key] = reinit
        self.asked = []

    def __call__(self, spec):
        self.asked.append(spec)
        value = self.accuracy[spec.key]
        return Result({"val_accuracy": value, "test_accuracy": 1 - value})


def search(rounds, *, dense=0.88, reinit=0.80, **settings):
    made = plan(**settings)
    results = Results(made, dense, rounds, reinit)
    (outcome,) = searching.search([made], results)
    return outcome, results


def search_with(accuracies, *, dense=0.88, **settings):
    """Searches with several seeds: ``accuracies`` are those of the levels, a list a seed."""
    chosen = PruningSettings(**settings)
    made = [make_plan(RECIPE, chosen, seed + 1) for seed in range(len(accuracies))]
    results = Results(made[0], dense, accuracies[0], 0.8)
    for one, rounds in zip(made[1:], accuracies[1:], strict=True):
        results.accuracy |= Results(one, dense, rounds, 0.8).accuracy
    trained: list[list[RunSpec]] = []
    outcomes = searching.search(made, results, train=lambda specs: trained.append(list(specs)))
    return made, outcomes, results, trained


def test_an_open_search_ends_after_two_levels_below_and_reports_the_sparsest_match():
    outcome, results = search([0.89, 0.879, 0.87, 0.876, 0.87, 0.86, 0.9])
    assert [judged.matches for judged in outcome.rounds] == [True, True, False, True, False, False]
    assert outcome.reported.level.number == 4
    assert results.asked == [
        outcome.plan.dense,
        *(level.ticket for level in outcome.plan.levels[:6]),
        outcome.plan.levels[3].reinit,
    ]
    assert outcome.seed == 1 and outcome.reinit_difference == pytest.approx(-8)


def test_rates_of_units_that_reach_no_goal_are_told_beforehand():
    rates = (("embedding", 0.0),)
    chosen = {"criterion": "filters", "head": False, "rates": rates}
    assert plan(**chosen, sparsity=0.7).levels  # 100 columns of 400 units stay, so 75 % can go
    with pytest.raises(UserError, match=r"100 of 400 units, so that 75.0 % can .*not 80.0 %"):
        plan(**chosen, sparsity=0.8)


CONVOLUTION_STAYS = {"rates": (("conv_*", 0.0),)}
EMBEDDING_STAYS = {"rates": (("embedding", 0.0),)}
UNIFORM = {"scope": "uniform+"}


@pytest.mark.parametrize(
    ("settings", "reached", "beyond"),
    [
        # Fewer words leave less of an embedding that stays.
        (EMBEDDING_STAYS, 1203, 1204),
        (EMBEDDING_STAYS | {"method": "one_shot"}, 1203, 1204),
        (EMBEDDING_STAYS | {"method": "rigl"}, 1203, 1204),
        # More words make convolutions that stay a smaller part.
        (CONVOLUTION_STAYS, 1197, 1196),
        (UNIFORM | {"method": "one_shot"}, 1199, 1198),
        (UNIFORM | {"method": "gradual"}, 1199, 1198),
        # Three rounds of a fifth, and a last one to the goal.
        (UNIFORM, 1199, 1198),
    ],
)
def test_what_data_can_reach_is_told_once_they_are_known(settings, reached, beyond):
    needed = plan(**settings, sparsity=0.5).needed
    require_within_reach([needed], reached, 2)
    with pytest.raises(UserError, match=r"can be pruned at most, and not 50\.0 %"):
        require_within_reach([needed], beyond, 2)


def test_rounds_alone_come_to_a_goal_too():
    needed = plan(**UNIFORM, sparsity=0.488).needed
    assert needed.mask.amount == By(0.2)
    require_within_reach([needed], 1300, 2)
    with pytest.raises(UserError, match=r"can be pruned at most, and not 48\.8 %"):
        require_within_reach([needed], 1000, 2)


def test_a_plan_refuses_what_no_data_reach_alone():
    """More classes are more of the head, which may be what is pruned."""
    stay = (("embedding", 0.0), ("conv_*", 0.0))
    needed = plan(rates=stay, sparsity=0.5).needed
    require_within_reach([needed], 500, 1000)
    with pytest.raises(UserError, match="pruned at most"):
        require_within_reach([needed], 500, 2)
    few = dataclasses.replace(RECIPE, data=dataclasses.replace(RECIPE.data, vocabulary_size=500))
    chosen = PruningSettings(**UNIFORM, method="one_shot", sparsity=0.5)
    with pytest.raises(UserError, match=r"29\.5 % can be pruned at most"):
        require_within_reach([make_plan(few, chosen, 1).needed], 500, 2)
    # A fifth of the head stays, however many classes there are.
    with pytest.raises(UserError, match=r"29\.5 % can be pruned at most"):
        make_plan(few, dataclasses.replace(chosen, sparsity=0.9), 1)


@pytest.mark.parametrize("method", ["one_shot", "gradual", "rigl"])
def test_an_open_search_needs_its_first_level(method):
    """It was told when dense was trained."""
    made = plan(method=method, rates=(("embedding", 0.0),))
    assert made.is_open and made.needed == made.levels[0].ticket
    require_within_reach([made.needed], 500, 2)
    with pytest.raises(UserError, match=r"can be pruned at most, and not 20\.0 %"):
        require_within_reach([made.needed], 20_000, 2)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "Nothing is left to prune in the network bare with pruning.embedding=false and "),
        ({"criterion": "filters"}, "Nothing is left to prune"),
    ],
)
def test_a_network_has_something_to_prune(settings, told):
    class Bare(Cnn):
        name = "bare"

        def shapes(self, vocabulary_size, classes):
            shapes = super().shapes(vocabulary_size, classes)
            return {name: one for name, one in shapes.items() if "conv" not in name}

    recipe = dataclasses.replace(RECIPE, model=Bare())
    with pytest.raises(UserError, match=told):
        make_plan(recipe, PruningSettings(embedding=False, head=False, **settings), 1)
    make_plan(recipe, PruningSettings(embedding=True, head=False, **settings), 1)


def test_a_criterion_reads_no_epoch_beyond_the_training():
    with put_back():
        register_criterion("late", at="4ep")(lambda weight, random: abs(weight))
        for epochs, is_refused in ((3, True), (4, False)):
            recipe = RECIPE.with_training(epochs=epochs)
            if is_refused:
                with pytest.raises(UserError, match=r"--criterion late: the step 4ep lies beyond"):
                    make_plan(recipe, PruningSettings(criterion="late"), 1)
            else:
                assert make_plan(recipe, PruningSettings(criterion="late"), 1).levels


@pytest.mark.parametrize(
    "asked", [{"init": "rewind:30it"}, {"criterion": "late"}, {"init": "rewind:30it", "rate": 0.4}]
)
def test_steps_beyond_the_training_are_told_once_the_data_are_known(asked):
    with put_back():
        register_criterion("late", at="30it")(lambda weight, random: abs(weight))
        recipe = RECIPE.with_training(epochs=3, batch_size=10)
        needed = make_plan(recipe, PruningSettings(**asked), 1).needed
        # Ten steps an epoch, of which the last one may have fewer texts.
        require_steps_reached([needed], 91)
        with pytest.raises(UserError, match=r"step 30it lies beyond .* \(3 epochs of 9 steps\)"):
            require_steps_reached([needed], 90)


@given(
    sizes=st.lists(st.integers(1, 150), min_size=1, max_size=3),
    rate=st.sampled_from([0.1, 0.2, 0.3]),
    sparsity=st.integers(5, 97),
)
def test_rounds_to_any_goal_end_in_tensors_of_any_size(sizes, rate, sparsity):
    """Rounds keep whole numbers, so a small tensor may have less left than the goal asks for."""
    made = plan(rate=rate, sparsity=sparsity / 100)
    left = masks.dense({f"t{number}/kernel": (size,) for number, size in enumerate(sizes)})
    weights = {name: np.arange(1.0, mask.size + 1) for name, mask in left.items()}
    for level in made.levels:
        before, left = left, level.mask.prune(left, weights)
    last = made.levels[-1].mask.amount
    for name, mask in left.items():
        if isinstance(last, To):
            goal = mask.size - round(mask.size * last.sparsity)
            assert mask.sum() == min(goal, before[name].sum())
        assert abs(mask.mean() - (1 - sparsity / 100)) <= 0.0005 + 0.5 / rate / mask.size


@pytest.mark.parametrize("criterion", ["filters", "slimming"])
def test_rounds_of_units_end_at_any_goal(criterion):
    mask = plan(rate=0.2, sparsity=0.5, criterion=criterion).levels[-1].mask
    assert mask.amount == To(0.5)
    # Of 13 units three rounds leave 6, where half would be 7.
    layers = dataclasses.replace(RECIPE.model, filters=13).unit_layers()[1:2]
    left = {f"{layers[0].layer}/kernel": np.broadcast_to(np.arange(13) < 6, (3, 100, 13)).copy()}
    scores = {layers[0].layer: np.arange(13.0)}
    kept = masks.prune_units(left, layers, scores, mask.now)
    assert all(np.array_equal(kept[name], before) for name, before in left.items())
    # A mask that no rounds led to is not meant.
    alone = dataclasses.replace(mask, of=plan().dense)
    with pytest.raises(UserError, match="would revive"):
        masks.prune_units(left, layers, scores, alone.now)


def test_an_open_search_ends_where_rates_prune_nothing():
    """Each tensor would lose less than half a weight, in every round that comes."""
    outcome, results = search([0.88] * 9, rates=(("*", 0.01),))
    assert len(outcome.rounds) == 1 and outcome.reported.level.number == 1
    assert outcome.plan.levels[1].ticket in results.asked
    assert outcome.plan.levels[2].ticket not in results.asked


def test_an_open_search_of_units_ends_where_a_round_prunes_none():
    """Every layer keeps its last unit, and a round more would train the same network again."""
    made = plan(criterion="filters")
    left = iter([10, 6, 3, 3, 3])
    results = Results(made, 0.88, [0.88] * 9, 0.8)

    def realise(spec):
        found = results(spec)
        if spec.key in {level.ticket.key for level in made.levels}:
            found.kept = np.arange(12) < next(left)
        return found

    (outcome,) = searching.search([made], realise)
    assert [judged.counted.remaining for judged in outcome.rounds] == [12, 8, 5]
    assert outcome.reported.level.number == 3
    assert sum(spec.key == made.levels[4].ticket.key for spec in results.asked) == 0


def test_an_open_search_without_a_match_says_so():
    outcome, _ = search([0.7, 0.7])
    assert (outcome.reported.level.number, outcome.reported.matches) == (1, False)


def test_a_fixed_sparsity_goes_all_the_way_and_reports_its_end():
    outcome, results = search([0.7, 0.7, 0.7, 0.88], sparsity=0.59)
    assert outcome.reported.level.number == 4 and len(results.asked) == 6


@pytest.mark.parametrize(("ticket", "matches"), [(0.88, True), (0.875, True), (0.8749, False)])
def test_levels_match_up_to_the_tolerance_on_validation_data(ticket, matches):
    outcome, _ = search([ticket], sparsity=0.2)
    assert outcome.reported.matches == matches  # 0.875 lies exactly at the tolerance


def test_seeds_are_walked_in_step_and_levels_match_in_their_mean():
    made, outcomes, results, trained = search_with(
        [[0.89, 0.87, 0.86, 0.80, 0.9], [0.87, 0.88, 0.88, 0.85, 0.8]]
    )
    # The means are 0.88, 0.875, 0.87 and 0.825: the second level matches, two in a row do not.
    assert [[judged.matches for judged in one.rounds] for one in outcomes] == [
        [True, True, False, False]
    ] * 2
    assert [one.reported.level.number for one in outcomes] == [2, 2]
    assert [one.seed for one in outcomes] == [1, 2]
    assert [round(one.reported.difference, 6) for one in outcomes] == [-1, 0]
    at_a_time = [[one.dense for one in made]]
    at_a_time += [[one.levels[place].ticket for one in made] for place in range(4)]
    at_a_time += [[one.levels[1].reinit for one in made]]
    assert trained == at_a_time
    assert results.asked == [spec for specs in at_a_time for spec in specs]


def test_a_plan_without_an_open_end_is_trained_at_once():
    made, _, _, trained = search_with([[0.9, 0.9], [0.9, 0.9]], sparsity=0.36)
    assert trained == [[spec for one in made for spec in one.specs()]]


def test_levels_can_be_judged_by_another_worth():
    made = plan(sparsity=0.2)
    results = Results(made, 0.88, [0.80], 0.9)
    (outcome,) = searching.search([made], results, worth=lambda spec, run: 0.5)
    assert outcome.reported.matches and outcome.reported.difference == 0


def test_the_tolerance_is_a_setting():
    assert search([0.86], sparsity=0.2, tolerance=2.0)[0].reported.matches
    assert not search([0.86], sparsity=0.2, tolerance=1.9)[0].reported.matches


def test_on_round_gets_every_round():
    made = plan(sparsity=0.36)
    rounds = []
    searching.search([made], Results(made, 0.88, [0.88, 0.87], 0.8), rounds.append)
    assert [judged.level.number for judged in rounds] == [1, 2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sparsity": 1.0}, r"in \[0, 1\)"),
        ({"sparsity": -0.1}, r"in \[0, 1\)"),
        ({"sparsity": 83.2}, r"in \[0, 1\)"),
        ({"sparsity": float("nan")}, r"in \[0, 1\)"),
        ({"sparsity": "most"}, "or 'auto'"),
        ({"rate": 0.0}, "rate"),
        ({"rate": 1.0}, "rate"),
        ({"method": "oneshot"}, "Did you mean 'one_shot'"),
        ({"scope": "local"}, "layerwise"),
        ({"criterion": "magnitud"}, "Did you mean 'magnitude'"),
        ({"init": "orginal"}, "Did you mean 'original'"),
        ({"init": "rewind"}, "no initialisation"),
        ({"init": "rewind:soon"}, "names no step"),
        ({"tolerance": -1.0}, "tolerance"),
    ],
)
def test_settings_that_cannot_be(changes, message):
    with pytest.raises(UserError, match=message):
        PruningSettings(**changes)


def test_seeds_are_apart():
    one, two = (make_plan(RECIPE, PruningSettings(sparsity=0.2), seed) for seed in (1, 2))
    assert one.dense != two.dense
    assert one.levels[0].reinit.init != two.levels[0].reinit.init
    assert dataclasses.replace(two.dense, init=one.dense.init, seeds=one.dense.seeds) == one.dense
