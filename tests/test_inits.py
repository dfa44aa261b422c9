"""What ``random:carried`` and ``random:kept`` begin with: whose embedding, and what is new."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chains import RECIPE
from tests.conftest import SMALL
from tflottery.errors import UserError
from tflottery.models.roles import Roles
from tflottery.runs.inits import EmbeddingFrom, Signs, Snapshot
from tflottery.runs.realise import Realiser
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import Fresh, InitSpec, RunSpec
from tflottery.runs.store import Store
from tflottery.tickets import plan as plans
from tflottery.tickets.applicable import require_roles
from tflottery.tickets.methods import FINDING_TICKETS
from tflottery.tickets.settings import CARRIED, KEPT, PruningSettings, parse_init
from tflottery.training.settings import TrainingSettings

SHAPES = {"words/table": (5, 3), "more/table": (5, 2), "conv/kernel": (3, 2), "conv/bias": (2,)}


@dataclasses.dataclass(frozen=True)
class Drawn:
    """``Ancestors`` whose arrays differ for each run, step and seed, and nothing else."""

    tables: tuple[str, ...]

    prunable = SHAPES

    @property
    def roles(self) -> Roles:
        return Roles(embedding=self.tables)

    def snapshot(self, run: RunSpec, step: str) -> dict[str, np.ndarray]:
        return _arrays(run.key, step)

    def fresh_weights(self, seed: int) -> dict[str, np.ndarray]:
        return _arrays("fresh", str(seed))


def _arrays(*source: str) -> dict[str, np.ndarray]:
    random = np.random.default_rng([*"/".join(source).encode()])
    return {name: random.normal(size=shape) for name, shape in SHAPES.items()}


def _tickets(init: str, method: str, seed: int, sparsity: float = 0.738):
    settings = PruningSettings(method=method, init=init, sparsity=sparsity)
    made = plans.make_plan(RECIPE, settings, seed)
    return made.dense, [level.ticket for level in made.levels]


@given(
    st.sampled_from([CARRIED, KEPT]),
    st.sampled_from(FINDING_TICKETS),
    st.integers(0, 2**31),
    st.sets(st.sampled_from(sorted(SHAPES)), min_size=1, max_size=3),
)
def test_the_embedding_has_one_source_and_all_else_is_drawn_anew(init, method, seed, tables):
    dense, tickets = _tickets(init, method, seed)
    ancestors = Drawn(tuple(tables))
    rest = [name for name in SHAPES if name not in tables]
    seen = [dense.init.make(ancestors)]
    for ticket in tickets:
        started = ticket.init.make(ancestors)
        source = (ticket.mask.of, "end") if init == CARRIED else (dense, "0ep")
        kept = ancestors.snapshot(*source)
        assert set(started) == set(SHAPES)
        for name in tables:
            assert np.array_equal(started[name], kept[name])
        for earlier in seen:
            assert all(not np.array_equal(started[name], earlier[name]) for name in rest)
        seen.append(started)


@pytest.mark.parametrize("method", FINDING_TICKETS)
@pytest.mark.parametrize("init", [CARRIED, KEPT])
def test_what_is_drawn_anew_is_what_random_draws(method, init):
    _, tickets = _tickets(init, method, seed=3)
    _, plain = _tickets("random", method, seed=3)
    assert [ticket.init.rest for ticket in tickets] == [ticket.init for ticket in plain]
    assert len({ticket.key for ticket in [*tickets, *plain]}) == 2 * len(plain)


def test_a_key_names_both_starts():
    dense, _ = _tickets("random", "iterative", 1)
    made = [
        EmbeddingFrom(Snapshot(dense, at), Fresh(seed)) for at in ("0ep", "end") for seed in (1, 2)
    ]
    assert len({dataclasses.replace(dense, init=init).key for init in made}) == 4
    assert list(made[0].needs()) == [(dense, "0ep")]


def test_the_names_have_one_form_and_a_near_miss_is_told():
    assert [parse_init(name) for name in (CARRIED, KEPT)] == [CARRIED, KEPT]
    with pytest.raises(UserError, match="random:kept"):
        parse_init("random:keep")


def test_a_network_without_an_embedding_has_none_to_keep():
    class Headless:
        name = "bag"

        def roles(self):
            return Roles(head=("head/kernel",))

    with pytest.raises(UserError, match=r"--init random:kept keeps the embedding.*bag has none"):
        require_roles(Headless(), PruningSettings(init=KEPT))


@pytest.mark.parametrize("model", ["cnn", "lstm"])
def test_a_chain_in_a_store_begins_with_the_embedding_of_its_name(model, small_settings, tmp_path):
    training = TrainingSettings(learning_rate=0.05, batch_size=16, epochs=2, patience=2)
    recipe = Recipe(small_settings, SMALL[model], training)
    table = "embedding/embeddings"
    for init in (CARRIED, KEPT):
        settings = PruningSettings(init=init, sparsity=0.36)
        made = plans.make_plan(recipe, settings, seed=1)
        realise = Realiser(Store(tmp_path / "runs"), made.specs())
        first, second = (level.ticket for level in made.levels)
        source = {
            CARRIED: [realise(made.dense).snapshot("end"), realise(first).snapshot("end")],
            KEPT: [realise(made.dense).snapshot("0ep")] * 2,
        }[init]
        for ticket, own in zip((first, second), source, strict=True):
            assert np.array_equal(realise.initial_weights(ticket)[table], own[table])
        before = realise(made.dense).snapshot("0ep")
        started = realise.initial_weights(first), realise.initial_weights(second)
        for name in before:
            if not name.endswith(("embeddings", "bias")):
                assert not np.array_equal(started[0][name], before[name])
                assert not np.array_equal(started[0][name], started[1][name])


def test_the_notes_random_is_beside_the_arm_that_carries_the_embedding():
    from tflottery.experiments.study import note

    assert note.own("random", {"random", CARRIED, KEPT}) == CARRIED
    assert note.own("random", {"random", KEPT}) == "random"
    assert note.own("original", {CARRIED, "original"}) == "original"


@pytest.mark.parametrize("kernels_only", [False, True])
def test_signs_of_biases_that_have_masks(kernels_only):
    """Biases stay where that is asked for; the keys of before mean that they do not."""
    first = {"a/kernel": np.float32([[-3, 1]]), "a/bias": np.float32([2, -1])}

    class First(InitSpec):
        def needs(self):
            return ()

        def make(self, ancestors):
            return first

    ancestors = SimpleNamespace(prunable={name: one.shape for name, one in first.items()})
    made = Signs(First(), kernels_only).make(ancestors)
    assert np.array_equal(made["a/kernel"], np.float32([[-2, 2]]))
    assert np.array_equal(made["a/bias"], first["a/bias"]) is kernels_only
