"""How a ticket is looked for: the settings of ``[pruning]``."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal

from tflottery import steps
from tflottery.errors import UserError, suggest
from tflottery.metrics import ACCURACY, find_metric
from tflottery.pruning import costs as unit_costs
from tflottery.pruning import criteria, scopes
from tflottery.pruning import rates as rates_by_name
from tflottery.pruning.costs import Costs
from tflottery.pruning.criteria.latency import OF_COSTS
from tflottery.pruning.masks import not_of_units
from tflottery.pruning.rates import Rates
from tflottery.pruning.scopes import Scope
from tflottery.settings import LATER, check_choices
from tflottery.tickets.methods import (
    AUTO,
    METHODS,
    MOVING,
    OF_MOVES,
    SHARE,
    Auto,
    MethodName,
    Moved,
)

LEARNING_RATE_REWINDING, FINE_TUNING = "learning_rate_rewinding", "fine_tuning"
# What ``random`` keeps of the embedding: what the round before made of it, or its start.
CARRIED, KEPT = "random:carried", "random:kept"
# Beside ``rewind:STEP``.
INITS = (
    "original", "random", CARRIED, KEPT, LEARNING_RATE_REWINDING, FINE_TUNING, "finetune",
)  # fmt: skip
# "auto" goes on at most until this much is pruned.
SPARSEST = 0.995
_MOST_ROUNDS = 600
SLIMMING = 1e-3
# Scopes by the shapes and places of tensors, which can share out what no score has chosen yet.
_WITHOUT_SCORES: tuple[Scope, ...] = ("layerwise", "erk", "uniform+")
# The settings that some criteria of units alone have, and what they are elsewhere.
_OF_UNITS = {"attention_heads": False, "slimming": SLIMMING}


@dataclass(frozen=True)
class PruningSettings:
    """How a ticket is searched for.

    ``method`` is ``iterative``: each round prunes the fraction ``rate`` of what is left, or
    ``one_shot``; or a sparse training, whose mask moves: ``gradual``, ``movement``, ``rigl`` or
    ``set``. Weights compete within ``scope``: each tensor by itself (``layerwise``), all together
    (``global``), with scores in their tensor's measure (``global:normalised``, ``lamp``),
    or each tensor by itself with as much as its shape (``erk``) or place (``uniform+``) says;
    ``criterion`` scores them. ``rates`` are fractions by role (``embedding``, ``head``), layer,
    tensor or pattern, as ``{embedding=0.3, "conv_*"=0.2, head=0.0}``, which a round prunes of what
    is left of them, in place of ``rate`` and ``scope``; with a ``sparsity`` that is a number, they
    say how that is shared out.
    ``init`` is what a pruned network starts from: ``original``, ``random``, ``random:carried``,
    ``random:kept``, ``rewind:STEP``, or the weights of the round before:
    ``learning_rate_rewinding`` begins the schedule anew, and ``fine_tuning`` goes on at its last,
    low rate. ``finetune`` is an older word for the first.

    ``sparsity`` is a fraction of the prunable weights (of the units, where the criterion prunes
    whole units) or ``auto``; ``metric`` is what a search compares networks by on validation data
    (``tflottery.metrics``); ``tolerance`` is in points (hundredths) of it, and of test accuracy in
    a study; ``embedding`` and ``head`` say whether those are pruned, ``biases`` whether biases are
    pruned and counted too, each as a tensor of its own. The head is pruned at the same
    rate as other layers; pruning a feature's last outgoing weight discards the feature. Frankle and
    Carbin (2019) prune the output layer at half the rate.

    ``move_every``: epochs between two moves of a sparse training's mask, as 0.25; ``auto`` is 1
    for set, and 0.25 for others. ``move_until``: the part of the training in which the mask moves,
    for gradual and movement the ramp of the sparsity; ``auto`` is 1 for set, and 0.75 for others.
    ``move_share``: the part of a tensor's weights that is dropped, and grown elsewhere: for
    rigl at the first move, from where it falls to nothing, for set at each.

    ``costs``: by layer of units, the microseconds by which a batch of 32 texts takes less time for
    each unit fewer, as ``{embedding=40.0, conv_3=9.0}``; ``--criterion latency`` weighs units by
    them, and ``bin/export --unit_costs`` measures them.

    ``attention_heads``: a criterion of whole units prunes the heads of a transformer's attention
    too, beside its feed-forward units. ``slimming``: how strongly the criterion of that name pulls
    the scales of units towards zero while it trains them: what is added to the gradient of the mean
    loss by each.
    """

    method: MethodName = "iterative"
    rate: float = 0.2
    sparsity: float | Literal["auto"] = "auto"
    init: str = "original"
    scope: Scope = "layerwise"
    criterion: str = "magnitude"
    embedding: bool = True
    head: bool = True
    tolerance: float = 0.5
    metric: str = field(default=ACCURACY, metadata=LATER)
    biases: bool = field(default=False, metadata=LATER)
    rates: Rates = field(default=(), metadata=LATER)
    move_every: Auto = field(default=AUTO, metadata=LATER)
    move_until: Auto = field(default=AUTO, metadata=LATER)
    move_share: float = field(default=SHARE, metadata=LATER)
    costs: Costs = field(default=(), metadata=LATER)
    attention_heads: bool = field(default=False, metadata=LATER)
    slimming: float = field(default=SLIMMING, metadata=LATER)

    def __post_init__(self) -> None:
        check_choices(self, "pruning")
        criteria.require_known(self.criterion)
        object.__setattr__(self, "rates", rates_by_name.checked(self.rates))
        if self.rates and self.scope != "layerwise":
            raise UserError(
                "pruning.rates say how much of each tensor goes, so that no two compete; leave "
                f"out pruning.scope={self.scope}, or the rates."
            )
        if criteria.scores_units(self.criterion) and self.scope not in scopes.OF_UNITS:
            raise UserError(not_of_units(self.scope))
        if criteria.has_negative(self.criterion) and self.scope == "lamp":
            raise UserError(
                f"--scope lamp squares scores, and some of --criterion {self.criterion} are below "
                "0; choose global or global:normalised."
            )
        object.__setattr__(self, "costs", unit_costs.checked(self.costs))
        self._check_costs()
        if self.attention_heads and not criteria.scores_units(self.criterion):
            raise UserError(
                "pruning.attention_heads=true goes with a criterion of whole units, as filters, "
                f"and not with {self.criterion}, which is of single weights."
            )
        if not 0 < self.slimming < math.inf:
            raise UserError(f"pruning.slimming is above 0, not {self.slimming:g}.")
        if self.slimming != SLIMMING and not criteria.reads_scales(self.criterion):
            raise UserError(
                "pruning.slimming is the pull on scales, which --criterion slimming reads, and not "
                f"{self.criterion}; leave it out."
            )
        find_metric(self.metric)
        if not 0 < self.rate < 1:
            raise UserError(f"pruning.rate is in (0, 1), not {self.rate}.")
        if math.log1p(-SPARSEST) / math.log1p(-self.rate) > _MOST_ROUNDS:
            raise UserError(
                f"pruning.rate is {self.rate:g}, which takes more than {_MOST_ROUNDS} rounds to "
                f"{SPARSEST:.1%}; give 0.01 or more."
            )
        if isinstance(self.sparsity, str) and self.sparsity != AUTO:
            raise UserError(f"A sparsity is a fraction in [0, 1) or 'auto', not {self.sparsity!r}.")
        if not isinstance(self.sparsity, str) and not 0 <= self.sparsity < 1:
            raise UserError(
                f"A sparsity is a fraction in [0, 1), not {self.sparsity:g}; "
                "0.832 prunes 83.2 % of the weights."
            )
        if not 0 <= self.tolerance < math.inf:
            raise UserError("pruning.tolerance is 0 points or more.")
        object.__setattr__(self, "init", parse_init(self.init))
        _check_method(self)

    def _check_costs(self) -> None:
        if self.costs and not criteria.scores_units(self.criterion):
            raise UserError(
                "pruning.costs are of whole units, and this criterion prunes single weights; leave "
                "them out, or give --criterion latency."
            )
        if self.criterion not in OF_COSTS:
            return
        if not self.costs:
            raise UserError(
                f"pruning.criterion {self.criterion} weighs units by what they cost, and there are "
                "no pruning.costs; bin/export --unit_costs measures them, and prints what to give."
            )
        if self.rates or self.scope != "global":
            raise UserError(
                f"pruning.criterion {self.criterion} weighs layers against each other, which a "
                "layer by itself does not need; give --scope global, and no pruning.rates."
            )

    def table(self) -> dict[str, Any]:
        """The settings as records hold them: rates and costs by name, and only where there are
        some, as what says how masks move, so that records of before and of now say the same of the
        same settings."""
        table = dataclasses.asdict(self)
        by_name = {name: dict(table.pop(name)) for name in ("rates", "costs")}
        for name, own in {**OF_MOVES, **_OF_UNITS}.items():
            if table[name] == own:
                del table[name]
        return {**table, **{name: values for name, values in by_name.items() if values}}


def with_criterion(settings: PruningSettings, criterion: str) -> PruningSettings:
    """The settings with another criterion; what goes with the one before, and not with that one, is
    what it is by default.

    Raises:
        UserError: it does not go with the scope, the rates or the method, or has no costs.
    """
    gone: dict[str, Any] = {}
    if not criteria.scores_units(criterion):
        gone |= {"costs": (), **_OF_UNITS}
    if not criteria.reads_scales(criterion):
        gone["slimming"] = SLIMMING
    return dataclasses.replace(settings, criterion=criterion, **gone)


def parse_init(text: str) -> str:
    """An initialisation in its one form: rewinding to the beginning is ``original``. ``finetune``
    stays as it is, so that folders and tickets that hold it keep their names."""
    if text in INITS:
        return text
    name, _, step = text.partition(":")
    if name != "rewind" or not step:
        raise UserError(
            f"There is no initialisation {text!r}. "
            f"{suggest(text, [*INITS, 'rewind:1ep', 'rewind:500it'])}"
        )
    step = steps.parse(step)
    return "original" if step == steps.BEGINNING else f"rewind:{step}"


def present_name(init: str) -> str:
    """An initialisation by the word that tables use today."""
    return LEARNING_RATE_REWINDING if init == "finetune" else init


def _check_method(settings: PruningSettings) -> None:
    """Makes sure that settings go with their method.

    Raises:
        UserError: they do not; the line names the setting.
    """
    moved = METHODS[settings.method].moved
    given = [name for name, own in OF_MOVES.items() if getattr(settings, name) != own]
    if moved is None:
        if given:
            raise UserError(
                f"pruning.{given[0]} says how a mask moves, and with --method {settings.method} "
                f"none does; give --method {', '.join(MOVING)}, or leave it out."
            )
        return
    _check_moves(settings, moved)
    alone = f"--method {settings.method} is one training"
    if settings.init != "original":
        raise UserError(
            f"{alone} from its own initial weights; leave out --init {settings.init}, which is of "
            "what is trained again."
        )
    if settings.criterion != "magnitude":
        raise UserError(
            f"{alone} that drops weights by {moved.drops_by}; leave out --criterion "
            f"{settings.criterion}."
        )
    if moved.has_negative and settings.scope == "lamp":
        raise UserError(
            f"--scope lamp squares scores, and some of --method {settings.method} are below 0; "
            "choose global or global:normalised."
        )
    if not moved.by_scores and settings.scope not in _WITHOUT_SCORES:
        raise UserError(
            f"--scope {settings.scope} compares weights, and the mask of --method "
            f"{settings.method} is drawn before there are any; choose "
            f"{', '.join(_WITHOUT_SCORES)}."
        )


def require_used(settings: PruningSettings, set_keys: Collection[str]) -> None:
    """Makes sure that a method whose mask moves has a use for what was set.

    Args:
        settings: of a configuration, and what was set beside it.
        set_keys: what that was, as ``section.key``.

    Raises:
        UserError: it has none.
    """
    is_moved = METHODS[settings.method].moved is not None
    has_levels = settings.sparsity == AUTO or settings.rates
    if is_moved and not has_levels and "pruning.rate" in set_keys:
        raise UserError(
            f"--method {settings.method} is one training, to --sparsity; leave out --rate "
            f"{settings.rate:g}, which is of rounds."
        )


def _check_moves(settings: PruningSettings, moved: Moved) -> None:
    every, until, share = settings.move_every, settings.move_until, settings.move_share
    if every != AUTO and not 0 < every < math.inf:
        raise UserError(f"pruning.move_every is above 0 epochs, not {every:g}.")
    if until != AUTO and not 0 < until <= 1:
        raise UserError(f"pruning.move_until is a fraction of a training in (0, 1], not {until:g}.")
    if not 0 < share <= 1:
        raise UserError(f"pruning.move_share is a fraction in (0, 1], not {share:g}.")
    if share != SHARE and not moved.has_share:
        raise UserError(
            f"--method {settings.method} moves what the sparsity asks for; leave out "
            "pruning.move_share."
        )
