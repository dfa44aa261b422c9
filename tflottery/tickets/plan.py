"""The plan of a search: which runs find a ticket.

The algorithm is Frankle and Carbin's (2019, arXiv 1803.03635): train, prune the smallest weights,
reset the rest to their initial values, train again. Beside it there are sparse trainings, whose
mask moves (``methods.py``). ``make_plan`` writes both as specs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tflottery import seeds, steps
from tflottery.errors import UserError
from tflottery.pruning import rates as rates_by_name
from tflottery.pruning.masks import By, To
from tflottery.runs.inits import EmbeddingFrom, Snapshot
from tflottery.runs.moving import LastOf, Moving
from tflottery.runs.pruned import Pruned
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import Dense, Fresh, InitSpec, MaskSpec, RunSpec
from tflottery.tickets import methods
from tflottery.tickets.applicable import require_reached, require_roles, require_within_reach
from tflottery.tickets.methods import METHODS
from tflottery.tickets.scored import scored
from tflottery.tickets.settings import (
    AUTO,
    CARRIED,
    FINE_TUNING,
    KEPT,
    LEARNING_RATE_REWINDING,
    SPARSEST,
    PruningSettings,
    present_name,
)
from tflottery.training.rates import last_rate
from tflottery.training.settings import TrainingSeeds

# Sparsities are quoted to three digits: 0.738 is six rounds of 20 %, 0.737856.
_QUOTED = 5e-4


@dataclass(frozen=True)
class Level:
    """One sparsity: the network to judge, and the same mask with newly drawn weights. Where the
    ticket's mask moves, that of the reinit is its last one, held."""

    number: int
    ticket: RunSpec
    reinit: RunSpec

    @property
    def mask(self) -> Pruned | LastOf:
        """The mask that the ticket ends with; ``mask.of`` is the run whose weights decide it."""
        mask = self.reinit.mask
        assert isinstance(mask, Pruned | LastOf)
        return mask

    @property
    def sparsity(self) -> float:
        """The target sparsity over the weights that are pruned at all.

        Raises:
            UserError: none was set: in rounds that prune each tensor by its own rate.
        """
        mask = self.ticket.mask
        if isinstance(mask, Moving):
            return mask.to
        assert isinstance(mask, Pruned)
        if isinstance(mask.amount, To):
            return mask.amount.sparsity
        if mask.rates:
            raise UserError(
                "Rounds by pruning.rates are to no sparsity that is known beforehand; find a "
                "ticket with a --sparsity, and the rates say how that is shared out."
            )
        return round(1 - (1 - mask.amount.fraction) ** self.number, 6)


@dataclass(frozen=True)
class Plan:
    """The dense network and every level that may be needed, the least sparse first."""

    settings: PruningSettings
    dense: RunSpec
    levels: tuple[Level, ...]

    @property
    def is_open(self) -> bool:
        """Whether the results decide how many levels are trained."""
        return self.settings.sparsity == AUTO

    @property
    def needed(self) -> RunSpec:
        """The sparsest network that has to be reached: where results decide how far a search goes,
        that of the first level."""
        return self.levels[0 if self.is_open else -1].ticket

    def specs(self) -> list[RunSpec]:
        """Every run that the search may ask for."""
        tickets = [level.ticket for level in self.levels]
        reinits = [level.reinit for level in self.levels]
        return [self.dense, *tickets, *(reinits if self.is_open else reinits[-1:])]


def make_plan(recipe: Recipe, settings: PruningSettings, seed: int) -> Plan:
    """The runs that find a ticket.

    Args:
        recipe: with the data's fingerprint.
        settings: method, levels and initialisation.
        seed: of the initial weights, the data order and dropout; reinit draws its own from it.

    Raises:
        UserError: weights are to be rewound to an epoch that dense does not reach, or the network
            has no such part as the settings speak of.
    """
    require_reached(settings, recipe.training.epochs)
    require_roles(recipe.model, settings)
    dense = RunSpec(recipe, Dense(), Fresh(seed), TrainingSeeds(order=seed, dropout=seed))
    go = _by_pruning if METHODS[settings.method].finds_tickets else _by_moving
    levels = tuple(go(dense, settings, seed))
    made = Plan(settings, dense, levels)
    require_within_reach([made.needed])
    return made


def _by_pruning(dense: RunSpec, settings: PruningSettings, seed: int) -> Iterator[Level]:
    """Levels that are pruned by trained weights, and trained again."""
    recipe, is_chain = dense.recipe, METHODS[settings.method].is_chain
    before = dense
    for number, amount in enumerate(_amounts(settings), start=1):
        mask = Pruned(
            of=scored(before if is_chain else dense, settings),
            amount=amount,
            scope=settings.scope,
            criterion=settings.criterion,
            embedding=settings.embedding,
            head=settings.head,
            seed=seed,
            biases=settings.biases,
            rates=rates_by_name.with_rest(settings.rates, settings.rate),
            costs=settings.costs,
            attention_heads=settings.attention_heads,
        )
        init = _init(settings.init, dense, mask.of, seed, number if is_chain else 1)
        ticket = dataclasses.replace(
            dense, recipe=_recipe(settings.init, recipe), mask=mask, init=init
        )
        # New weights need the whole schedule, however the ticket is trained.
        yield Level(number, ticket, _reinit(dense, mask, seed))
        before = ticket


def _by_moving(dense: RunSpec, settings: PruningSettings, seed: int) -> Iterator[Level]:
    """Levels that are one sparse training each, from the original weights on."""
    for number, amount in enumerate(_amounts(settings), start=1):
        assert isinstance(amount, To)
        mask = _moving_mask(settings, dense.recipe, amount.sparsity, seed)
        init = _init(settings.init, dense, dense, seed, 1)
        ticket = dataclasses.replace(dense, mask=mask, init=init)
        yield Level(number, ticket, _reinit(dense, LastOf(ticket), seed))


def _moving_mask(settings: PruningSettings, recipe: Recipe, sparsity: float, seed: int) -> Moving:
    """The mask of a sparse training.

    Args:
        settings: of a method whose mask moves.
        recipe: of the training.
        sparsity: the fraction that it ends with.
        seed: of what the method leaves to chance.

    Raises:
        UserError: the training is too short for the mask to move.
    """
    moved = METHODS[settings.method].moved
    assert moved is not None
    every = moved.every if settings.move_every == AUTO else settings.move_every
    until = moved.until if settings.move_until == AUTO else settings.move_until
    epochs = recipe.training.epochs
    if every >= until * epochs:
        raise UserError(
            f"The mask of --method {settings.method} moves each {every:g} epochs in the first "
            f"{until * epochs:g}, so never; lower pruning.move_every, or raise training.epochs "
            f"({epochs})."
        )
    return Moving(
        settings.method, sparsity, every, until, settings.move_share if moved.has_share else 0.0,
        seed, scope=settings.scope, embedding=settings.embedding, head=settings.head,
        biases=settings.biases, rates=rates_by_name.with_rest(settings.rates, settings.rate),
    )  # fmt: skip


def _reinit(dense: RunSpec, mask: MaskSpec, seed: int) -> RunSpec:
    return dataclasses.replace(dense, mask=mask, init=Fresh(seeds.derive("reinit", seed)))


def at_rates(plan: Plan, rate: Callable[[float], float]) -> Plan:
    """The same masks and starts, where each network that is judged is trained at a rate of its own.

    The chain that finds the masks stays as it is.

    Args:
        plan: how masks are found.
        rate: the learning rate for a sparsity.

    Raises:
        UserError: no chain finds them: the networks that are judged do, at their own rate.
    """
    methods.require_tickets(plan.settings.method, "A rule for learning rates")

    def recipe(sparsity: float) -> Recipe:
        return plan.dense.recipe.with_training(learning_rate=rate(sparsity))

    def trained(spec: RunSpec, sparsity: float) -> RunSpec:
        return dataclasses.replace(spec, recipe=recipe(sparsity))

    def of_ticket(level: Level) -> RunSpec:
        own = _recipe(plan.settings.init, recipe(level.sparsity))
        return dataclasses.replace(level.ticket, recipe=own)

    return dataclasses.replace(
        plan,
        dense=trained(plan.dense, 0.0),
        levels=tuple(
            dataclasses.replace(
                level,
                ticket=of_ticket(level),
                reinit=trained(level.reinit, level.sparsity),
            )
            for level in plan.levels
        ),
    )


def _init(name: str, dense: RunSpec, before: RunSpec, seed: int, draw: int) -> InitSpec:
    if name.startswith("random"):
        # The same weights in every round would be original init under another seed.
        fresh = Fresh(seeds.derive("random init", seed, *([draw] if draw > 1 else [])))
        if name == CARRIED:
            return EmbeddingFrom(Snapshot(before, steps.END), fresh)
        return EmbeddingFrom(Snapshot(dense, steps.BEGINNING), fresh) if name == KEPT else fresh
    if present_name(name) in (LEARNING_RATE_REWINDING, FINE_TUNING):
        return Snapshot(before, steps.END)
    return Snapshot(dense, steps.BEGINNING if name == "original" else name.partition(":")[2])


def _recipe(init: str, recipe: Recipe) -> Recipe:
    """How a pruned network is trained from an initialisation."""
    if init != FINE_TUNING:
        return recipe
    return recipe.with_training(learning_rate=last_rate(recipe.training), warmup=0.0, decay="none")


def _amounts(settings: PruningSettings) -> list[By | To]:
    """What each level prunes: of what is left, where levels are a chain, or of all at once."""
    goal = SPARSEST if isinstance(settings.sparsity, str) else settings.sparsity
    whole = [settings.rate]
    while whole[-1] < goal - _QUOTED:
        whole.append(1 - (1 - settings.rate) ** (len(whole) + 1))
    if not METHODS[settings.method].is_chain:
        return [To(sparsity) for sparsity in whole] if settings.sparsity == AUTO else [To(goal)]
    if settings.rates and settings.sparsity != AUTO:
        # What rounds by rates come to depends on the sizes of tensors, so each has a goal.
        return [To(sparsity) for sparsity in (*whole[:-1], goal)]
    rounds: list[By | To] = [By(settings.rate)] * len(whole)
    if settings.sparsity != AUTO and abs(whole[-1] - goal) > _QUOTED:
        rounds[-1] = To(goal)
    return rounds
