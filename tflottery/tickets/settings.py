"""How a ticket is looked for: the settings of ``[pruning]``."""

from __future__ import annotations

import dataclasses
import math
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
from tflottery.tickets import methods
from tflottery.tickets.methods import AUTO, OF_MOVES, SHARE, Auto, MethodName

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


@dataclass(frozen=True)
class PruningSettings:
    """How a ticket is searched for.

    ``method`` is ``iterative``: each round prunes the fraction ``rate`` of what is left, or
    ``one_shot``; or a sparse training, whose mask moves: ``gradual``, ``rigl`` or ``set``. Weights
    compete within ``scope``: each tensor by itself (``layerwise``), all
    together (``global``), with scores in their tensor's measure (``global:normalised``, ``lamp``),
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

    ``move_every``: epochs between two moves of a sparse training's mask, as 0.25; ``auto`` is 0.25
    for gradual and rigl, and 1 for set. ``move_until``: the part of the training in which the mask
    moves, for gradual the ramp of the sparsity; ``auto`` is 0.75 for gradual and rigl, and 1 for
    set. ``move_share``: the part of a tensor's weights that is dropped, and grown elsewhere: for
    rigl at the first move, from where it falls to nothing, for set at each.

    ``costs``: by layer of units, the microseconds by which a batch of 32 texts takes less time for
    each unit fewer, as ``{embedding=40.0, conv_3=9.0}``; ``--criterion latency`` weighs units by
    them, and ``bin/export --unit_costs`` measures them.
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
        object.__setattr__(self, "costs", unit_costs.checked(self.costs))
        self._check_costs()
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
        methods.check(self)

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
        for name, own in OF_MOVES.items():
            if table[name] == own:
                del table[name]
        return {**table, **{name: values for name, values in by_name.items() if values}}


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
