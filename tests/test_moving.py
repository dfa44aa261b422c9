"""Masks that move, without training: the papers' updates, schedules, plans, and what is refused."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_plan import RECIPE, Results, plan
from tflottery.errors import DamagedFileError, TrainingError, UserError
from tflottery.experiments.learning_rate.design import Tuning, TuningSettings
from tflottery.experiments.study.design import Study
from tflottery.experiments.study.settings import StudySettings
from tflottery.experiments.transfer.design import Transfer
from tflottery.models.roles import Roles
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.masks import Count
from tflottery.pruning.moving import moves, updates
from tflottery.pruning.moving.moves import MOVES
from tflottery.pruning.shares import Shares
from tflottery.runs.inits import Snapshot
from tflottery.runs.moving import LastOf, Moving
from tflottery.runs.specs import Fresh
from tflottery.tickets import methods
from tflottery.tickets import plan as plans
from tflottery.tickets import search as searching
from tflottery.tickets.methods import METHODS
from tflottery.tickets.settings import PruningSettings, require_used

ROLES = Roles(("embedding/embeddings",), ("head/kernel",))
SHAPES = {
    "embedding/embeddings": (30, 4), "conv_3/kernel": (3, 4, 5), "head/kernel": (10, 4),
}  # fmt: skip


# --- The papers' updates, written once more, weight by weight -------------------------------------


def rigl_of_the_paper(mask, weight, gradient, part):
    """Evci et al. 2020, algorithm 1, lines 7 to 11, with lists: ArgTopK of -|weight| among the
    active ones, then ArgTopK of |gradient| among all that are not active or were dropped."""
    active = [place for place in range(len(mask)) if mask[place]]
    k = math.floor(part * len(active))
    # Of equal weights the first stay, so that the last are dropped.
    drop = sorted(active, key=lambda place: (abs(weight[place]), -place))[:k]
    left = [place for place in active if place not in drop]
    others = [place for place in range(len(mask)) if place not in left]
    grow = sorted(others, key=lambda place: (-abs(gradient[place]), place))[:k]
    return [place in left or place in grow for place in range(len(mask))]


def kept_by_set(mask, weight, part):
    """Mocanu et al. 2018, algorithm 1: what is left once a fraction of the smallest positive and of
    the largest negative weights is removed."""
    left = []
    for sign in (1, -1):
        side = [p for p in range(len(mask)) if mask[p] and sign * weight[p] > 0]
        gone = sorted(side, key=lambda p: (abs(weight[p]), -p))[: math.floor(part * len(side))]
        left += [place for place in side if place not in gone]
    return set(left)


@st.composite
def tensors(draw):
    """A mask, and weights and gradients with ties and zeros; pruned weights are zero."""
    size = draw(st.integers(1, 40))
    numbers = st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])
    mask = np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)), bool)
    weight, gradient = (
        np.array(draw(st.lists(numbers, min_size=size, max_size=size)), np.float32)
        for _ in range(2)
    )
    return mask, np.where(mask, weight, 0).astype(np.float32), gradient


@given(tensors(), st.floats(0, 1))
def test_rigls_update_is_the_papers(tensor, part):
    mask, weight, gradient = tensor
    moved = updates.rigl(mask, weight, gradient, part)
    assert moved.tolist() == rigl_of_the_paper(mask, weight, gradient, part)
    assert moved.sum() == mask.sum()  # the density of the layer stays
    assert (mask & ~moved).sum() <= int(part * mask.sum())


@given(tensors(), st.floats(0, 1), st.integers(0, 9))
def test_sets_update_is_the_papers(tensor, part, seed):
    mask, weight, _ = tensor
    moved = updates.evolve(mask, weight, part, np.random.default_rng(seed))
    kept = kept_by_set(mask, weight, part)
    assert moved.sum() == mask.sum() and kept <= set(np.flatnonzero(moved))
    again = updates.evolve(mask, weight, part, np.random.default_rng(seed))
    assert np.array_equal(moved, again)
    shaped = updates.evolve(
        mask[:, np.newaxis], weight[:, np.newaxis], part, np.random.default_rng(seed)
    )
    assert np.array_equal(shaped[:, 0], moved)


def test_set_grows_everywhere_alike():
    mask = np.arange(200) < 40
    weight = np.where(mask, np.arange(1, 201), 0).astype(np.float32)
    grown = sum(
        updates.evolve(mask, weight, 0.5, np.random.default_rng(seed)).astype(int)
        for seed in range(300)
    )
    assert (grown[20:40] == 300).all()  # the larger half always stays
    # 20 of the 180 others grow each time, what was just dropped among them.
    assert np.delete(grown, range(20, 40)).mean() == pytest.approx(300 * 20 / 180)
    assert abs(grown[:20].mean() - grown[40:].mean()) < 6


def test_schedules_are_the_papers():
    assert [updates.cubic(0.8, step, 4) for step in range(6)] == pytest.approx(
        [0, 0.8 * (1 - 0.75**3), 0.8 * (1 - 0.5**3), 0.8 * (1 - 0.25**3), 0.8, 0.8]
    )
    assert updates.cubic(0.832, 20, 20) == 0.832  # exactly, or a count would be another
    assert [updates.cosine(0.3, step, 8) for step in (0, 2, 4, 8)] == pytest.approx(
        [0.3, 0.15 * (1 + math.sqrt(0.5)), 0.15, 0]
    )


# --- Whole networks -------------------------------------------------------------------------------


def made(by, to=0.8, every=2, until=11, share=0.3, **shares) -> moves.Moves:
    return MOVES[by](to, every, until, share, Shares(ROLES, **shares), seed=1)


def walk(moving):
    """The masks of a made-up training, by step: weights are drawn anew before each move."""
    masks = moving.start(mask_ops.dense(SHAPES))
    history = {0: masks}
    for step in moving.steps:
        random = np.random.default_rng(step)
        drawn, gradients = (
            {name: random.normal(size=shape) for name, shape in SHAPES.items()} for _ in range(2)
        )
        masks = moving.move(step, masks, mask_ops.apply(masks, drawn), gradients)
        history[step] = masks
    return history


@pytest.mark.parametrize("shares", [{}, {"scope": "erk"}, {"embedding": False}, {"head": False}])
@pytest.mark.parametrize("by", ["rigl", "set"])
def test_sparse_trainings_keep_the_density_of_each_tensor(by, shares):
    moving = made(by, **shares)
    history = walk(moving)
    assert list(history) == [0, 2, 4, 6, 8, 10]
    counts = [{name: int(mask.sum()) for name, mask in masks.items()} for masks in history.values()]
    assert all(one == counts[0] for one in counts)
    open_ = moving.shares.open(history[0])
    counted = mask_ops.count({name: history[0][name] for name in open_})
    assert counted.remaining == pytest.approx(0.2 * counted.total, abs=len(open_))
    assert all(history[10][name].all() for name in set(SHAPES) - set(open_))
    moved = [name for name in open_ if not np.array_equal(history[10][name], history[0][name])]
    assert moved == [name for name in open_ if not history[0][name].all()]


def test_erk_shares_out_the_start_by_shapes():
    start = made("rigl", scope="erk").start(mask_ops.dense(SHAPES))
    scores = {name: np.zeros(shape) for name, shape in SHAPES.items()}
    pruned = mask_ops.prune(mask_ops.dense(SHAPES), scores, mask_ops.To(0.8), scope="erk")
    assert {n: m.sum() for n, m in start.items()} == {n: m.sum() for n, m in pruned.items()}
    other = dataclasses.replace(made("rigl", scope="erk"), seed=2).start(mask_ops.dense(SHAPES))
    assert not np.array_equal(other["conv_3/kernel"], start["conv_3/kernel"])


@pytest.mark.parametrize("scope", ["layerwise", "global", "lamp", "erk", "uniform+"])
def test_gradual_pruning_grows_to_its_sparsity_and_revives_nothing(scope):
    moving = made("gradual", to=0.6, until=10, scope=scope)
    history = walk(moving)
    assert list(history) == [0, 2, 4, 6, 8, 10]
    assert all(mask.all() for mask in history[0].values())
    reached = [mask_ops.count(masks).sparsity for masks in history.values()]
    wanted = [0.6 * (1 - (1 - step / 10) ** 3) for step in history]
    assert reached == pytest.approx(wanted, abs=0.01)
    for before, after in zip(history.values(), list(history.values())[1:], strict=False):
        assert all(not (after[name] & ~before[name]).any() for name in SHAPES)


@given(tensors(), tensors(), st.sampled_from(["layerwise", "global"]), st.floats(0.1, 0.95))
def test_gradual_pruning_drops_the_smallest_of_what_is_left(one, other, scope, to):
    """Sorted by |w|, what is left begins with what goes: in each tensor, or in all together."""
    current = {"a": np.ones_like(one[0]), "b": np.ones_like(other[0])}
    sizes = {"a": np.abs(one[2]), "b": np.abs(other[2])}  # no zeros where weights are pruned
    moving = MOVES["gradual"](to, 2, 10, 0.0, Shares(Roles(), scope), 1)
    for step in moving.steps:
        weights = {name: np.where(mask, sizes[name], 0) for name, mask in current.items()}
        weights["a"] = -weights["a"]  # the sign decides nothing
        after = moving.move(step, current, weights, {})
        goal = to * (1 - (1 - step / 10) ** 3)
        for names in [["a"], ["b"]] if scope == "layerwise" else [["a", "b"]]:
            alive, kept, size = (
                np.concatenate([arrays[name] for name in names])
                for arrays in (current, after, sizes)
            )
            order = sorted(np.flatnonzero(alive), key=lambda place: (size[place], -place))
            gone = int(alive.sum()) - (len(kept) - round(len(kept) * goal))
            assert set(np.flatnonzero(alive & ~kept)) == set(order[:gone])
            assert not (kept & ~alive).any()
        current = after


@pytest.mark.parametrize("scope", ["layerwise", "global", "global:normalised", "erk"])
@pytest.mark.parametrize("by", ["gradual", "movement", "rigl", "set"])
def test_a_training_that_diverged_before_a_move_is_one_line(by, scope):
    odd = {name: np.ones(shape, np.float32) for name, shape in SHAPES.items()}
    odd["conv_3/kernel"][0] = np.nan
    with pytest.raises(TrainingError, match=r"not finite; lower training\.learning_rate"):
        made(by, until=10, scope=scope).move(2, mask_ops.dense(SHAPES), odd, odd)


def test_what_moved_can_be_read():
    history = walk(made("rigl"))
    packed = moves.to_arrays(history)
    assert all(bits.dtype == np.uint8 for bits in packed.values())
    read = moves.from_arrays(packed, SHAPES)
    assert list(read) == list(history)
    for step, masks in history.items():
        assert all(np.array_equal(read[step][name], mask) for name, mask in masks.items())
    rows = moves.changes(history)
    assert len(rows) == 5 * len(SHAPES) and set(rows[0]) == set(moves.OF_CHANGES)
    for row in rows:
        assert row["dropped"] == row["grown"] and 0 <= row["from_start"] <= 1
        assert row["remaining"] == history[0][row["tensor"]].sum()
    assert sum(row["grown"] for row in rows) > 0 and moves.changes({}) == []
    with pytest.raises(DamagedFileError):
        moves.from_arrays({key: bits[:-1] for key, bits in packed.items()}, SHAPES)


# --- Plans ----------------------------------------------------------------------------------------


def test_a_sparse_training_needs_no_other_network_than_its_initial_weights():
    built = plan(method="rigl", sparsity=0.832, scope="erk")
    (level,) = built.levels
    expected = Moving("rigl", 0.832, 0.25, 0.75, 0.3, 1, scope="erk")
    assert level.ticket.mask == expected and level.ticket.mask.reads == "gradients"
    assert level.ticket.init == Snapshot(built.dense, "0ep") and level.sparsity == 0.832
    assert level.mask == level.reinit.mask == LastOf(level.ticket)
    assert level.reinit.init == Fresh(plan(sparsity=0.2).levels[0].reinit.init.seed)
    assert built.specs() == [built.dense, level.ticket, level.reinit]
    assert [one.sparsity for one in plan(method="set").levels[:3]] == pytest.approx(
        [0.2, 0.36, 0.488]
    )


def test_how_masks_move_is_in_the_key_in_epochs():
    def key(**settings):
        return plan(**{"method": "rigl", "sparsity": 0.8, **settings}).levels[0].ticket.key

    others = [
        {"method": "set"}, {"method": "gradual"}, {"move_every": 0.5}, {"move_until": 0.5},
        {"move_share": 0.2}, {"scope": "erk"}, {"sparsity": 0.7}, {"head": False},
    ]  # fmt: skip
    assert len({key(), *(key(**one) for one in others)}) == 1 + len(others)
    # What auto stands for is in the key, and not the word.
    assert key(move_every=0.25, move_until=0.75, move_share=0.3) == key()
    assert key() == KNOWN


# If it changes, the runs in stores are lost.
KNOWN = "cd830ff4536189a0579a9024c4fca0ecc0b39074c5ae5d37e4cd1dc427ab6ce8"


def test_moves_in_optimizer_steps():
    mask = Moving("rigl", 0.8, 0.25, 0.75, 0.3, 1)
    assert mask.moves(100, 4, ROLES).steps == tuple(range(25, 300, 25))
    assert Moving("gradual", 0.8, 0.25, 0.75, 0.0, 1).moves(100, 4, ROLES).steps[-1] == 300
    # SET's last epoch is trained without a move after it.
    assert Moving("set", 0.8, 1.0, 1.0, 0.3, 1).moves(100, 4, ROLES).steps == (100, 200, 300)
    with pytest.raises(UserError, match=r"never move; lower pruning\.move_every"):
        Moving("set", 0.8, 1.0, 0.5, 0.3, 1).moves(1, 2, ROLES)


def test_records_of_before_say_the_same():
    assert not set(methods.OF_MOVES) & set(PruningSettings().table())
    assert PruningSettings(method="rigl", move_every=0.5).table()["move_every"] == 0.5


def test_methods_are_what_settings_take():
    import typing

    assert set(METHODS) == set(typing.get_args(methods.MethodName))
    assert set(methods.MOVING) == set(MOVES)
    assert {name: getattr(PruningSettings(), name) for name in methods.OF_MOVES} == methods.OF_MOVES


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "rigl", "scope": "global"}, "--scope global compares weights"),
        ({"method": "set", "scope": "lamp"}, "choose layerwise, erk, uniform+"),
        ({"method": "rigl", "criterion": "random"}, "leave out --criterion random"),
        ({"method": "movement", "criterion": "snip"}, "drops weights by scores that it learns"),
        ({"method": "movement", "scope": "lamp"}, "some of --method movement are below 0"),
        ({"method": "movement", "init": "rewind:1ep"}, "leave out --init rewind:1ep"),
        ({"method": "movement", "move_share": 0.2}, "leave out pruning.move_share"),
        ({"method": "gradual", "criterion": "filters"}, "leave out --criterion filters"),
        ({"method": "rigl", "init": "rewind:1ep"}, "leave out --init rewind:1ep"),
        ({"method": "set", "init": "fine_tuning"}, "leave out --init fine_tuning"),
        ({"method": "gradual", "move_share": 0.2}, "leave out pruning.move_share"),
        ({"method": "rigl", "move_share": 1.5}, "pruning.move_share is a fraction"),
        ({"method": "rigl", "move_every": 0.0}, "pruning.move_every is above 0"),
        ({"method": "rigl", "move_every": math.nan}, "pruning.move_every is above 0"),
        ({"method": "set", "move_until": 1.1}, "pruning.move_until is a fraction"),
        ({"move_every": 0.5}, "with --method iterative none does"),
        ({"method": "one_shot", "move_until": 0.5}, "pruning.move_until says how a mask moves"),
    ],
)
def test_what_does_not_go_together_is_a_line(settings, message):
    with pytest.raises(UserError) as refused:
        PruningSettings(**settings)
    assert message in str(refused.value) and "\n" not in str(refused.value)


def test_a_rate_of_rounds_is_refused_where_it_was_given():
    settings = PruningSettings(method="rigl", rate=0.3, sparsity=0.8)
    require_used(settings, {"pruning.method"})  # a configuration may hold it
    require_used(dataclasses.replace(settings, sparsity="auto"), {"pruning.rate"})
    require_used(dataclasses.replace(settings, method="one_shot"), {"pruning.rate"})
    with pytest.raises(UserError, match=r"leave out --rate 0\.3, which is of rounds"):
        require_used(settings, {"pruning.rate"})


def test_a_training_too_short_for_moves_is_refused_before_it_begins():
    short = dataclasses.replace(RECIPE, training=dataclasses.replace(RECIPE.training, epochs=1))
    with pytest.raises(UserError, match=r"so never; lower pruning\.move_every"):
        plans.make_plan(short, PruningSettings(method="set", sparsity=0.5), 1)
    with pytest.raises(UserError, match=r"uniform\+ keeps"):
        plan(method="rigl", scope="uniform+", sparsity=0.995)


def test_what_needs_tickets_refuses_sparse_trainings():
    pruning = PruningSettings(method="rigl", sparsity=0.5)
    for call in (
        lambda: Study("s", RECIPE, pruning, StudySettings(), (1,)),
        lambda: Tuning(RECIPE, pruning, TuningSettings()),
        lambda: plans.at_rates(plan(method="set", sparsity=0.5), lambda sparsity: 0.1),
    ):
        with pytest.raises(UserError, match="finds tickets, iterative or one_shot"):
            call()


def test_a_transfer_takes_the_mask_that_a_sparse_training_ended_with():
    target = dataclasses.replace(RECIPE, data=dataclasses.replace(RECIPE.data, fingerprint="other"))
    pruning = PruningSettings(method="rigl", sparsity=0.5)
    cells = Transfer(RECIPE, target, pruning, (0.5,)).cells(1)
    source = plans.make_plan(RECIPE, pruning, 1).levels[0]
    (taken,) = [one for one in cells if (one.mask, one.init) == ("source", "source")]
    assert taken.spec.mask == source.mask and taken.spec.init == source.ticket.init
    (own,) = [one for one in cells if (one.mask, one.init) == ("target", "target")]
    assert isinstance(own.spec.mask, LastOf) and own.spec.mask.of.recipe == target


def test_an_open_search_walks_levels_of_one_training_each():
    made_plan = plan(method="rigl", scope="uniform+")
    results = Results(made_plan, 0.88, [0.88, 0.88, 0.5, 0.5], 0.8)
    (outcome,) = searching.search([made_plan], results)
    assert outcome.reported.level.number == 2 and len(outcome.rounds) == 4
    assert isinstance(outcome.rounds[0].counted, Count)
