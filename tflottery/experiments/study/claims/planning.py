"""How many seeds each contrast needs, from the spread that is in the tables, and what they cost.

Only standard deviations are looked at, and never which side is ahead, so that this may be done at
any time without spoiling a contrast.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tflottery import power
from tflottery.estimates import Estimate
from tflottery.experiments.study.cells import DENSE, Arm, Results
from tflottery.experiments.study.claims.contrasted import everything
from tflottery.experiments.study.claims.contrasts import EQUIVALENT, NOT_WORSE, Contrast
from tflottery.experiments.study.costs import Cost, cost_of_a_seed
from tflottery.power import Comparison
from tflottery.report.outcomes import MARGINS

# In points: half the width of an interval that is narrow enough, and the smallest difference that
# matters.
HALF, MATTERS = 0.2, 0.5


@dataclass(frozen=True)
class Need:
    """The seeds that a contrast needs; None where nothing tells, or nothing does.

    ``deviations``: in points, as ``power.Comparison`` has them, from ``counts`` seeds.
    ``half_width``: for an interval of ± ``HALF``. ``difference``: to find a true difference of
    ``MATTERS`` with 80 % power. ``not_worse`` and ``equivalent`` (at ``MARGINS``): to show that, at
    80 % power, where there is no difference. With the seeds that are planned, the interval reaches
    ``reach`` to each side, and ``found`` is the smallest difference found with that power.
    ``careful``: seeds for 80 % power of what is asked if the deviations are at the upper end of
    what so few seeds tell of them (Browne 1995). ``cost`` is of one seed; a further seed of the
    second arm alone costs ``cost_more``.
    """

    contrast: Contrast
    deviations: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    half_width: int | None = None
    difference: int | None = None
    not_worse: int | None = None
    equivalent: tuple[int | None, ...] = ()
    reach: float | None = None
    found: float | None = None
    careful: int | None = None
    cost: Cost | None = None
    cost_more: Cost | None = None

    @property
    def asked(self) -> int | None:
        """The seeds for 80 % power of what the contrast asks."""
        if self.contrast.asked == NOT_WORSE:
            return self.not_worse
        if self.contrast.asked == EQUIVALENT:
            return self.equivalent[0] if self.equivalent else None
        return self.difference

    def cost_of(self, seeds: int | None) -> Cost | None:
        """What so many seeds cost, with as many more of the second arm as there are planned for
        each."""
        if seeds is None or self.cost is None or self.cost_more is None:
            return None
        more = max(0, math.ceil(round(seeds * self._ratio, 9)) - seeds)
        return self.cost.times(seeds).plus(self.cost_more.times(more))

    @property
    def _ratio(self) -> float:
        return len(self.contrast.second_seeds) / len(self.contrast.seeds)


def need(contrast: Contrast, studies: Mapping[str, Results]) -> Need:
    """The seeds that a contrast needs, from all seeds that its studies have."""
    found = everything(contrast, studies)
    costs = [
        cost_of_a_seed(studies[name], _cells(contrast)) if name in studies else None
        for name in contrast.studies
    ]
    known = [cost for cost in costs if cost]
    cost = sum(known[1:], known[0]) if len(known) == len(costs) else None
    cost_more = cost_of_a_seed(studies[contrast.study], _cells(contrast, contrast.second))
    if found is None or not _is_known(found):
        return Need(contrast, cost=cost, cost_more=cost_more)
    deviations = tuple(float(one) for one in found.deviations if one is not None)
    ratio = len(contrast.second_seeds) / len(contrast.seeds)
    comparison = Comparison(deviations, ratio)
    planned = len(contrast.seeds)
    in_points = contrast.unit == "points"
    margin = contrast.margins[0] if contrast.asked == NOT_WORSE else MATTERS
    return Need(
        contrast,
        deviations,
        found.counts,
        power.seeds_for_half_width(comparison, HALF) if in_points else None,
        power.seeds_for_difference(comparison, MATTERS) if in_points else None,
        power.seeds_for_not_worse(comparison, margin) if in_points else None,
        tuple(power.seeds_for_equivalence(comparison, margin) for margin in MARGINS)
        if in_points
        else (),
        comparison.half_width(planned),
        power.detectable(comparison, planned),
        _careful(contrast, comparison, found.counts) if in_points else None,
        cost,
        cost_more,
    )


def _cells(contrast: Contrast, *arms: Arm) -> list[tuple[Arm, float | None]]:
    """The cells of a contrast's arms, or of some of them."""
    return [
        (arm, None if arm.method == "dense" and arm.part != "control" else level)
        for arm in arms or (contrast.first, contrast.second)
        for level in contrast.levels
    ]


def _asked(contrast: Contrast, comparison: Comparison) -> int | None:
    """The seeds for 80 % power of what is asked."""
    if contrast.asked == NOT_WORSE:
        return power.seeds_for_not_worse(comparison, contrast.margins[0])
    if contrast.asked == EQUIVALENT:
        return power.seeds_for_equivalence(comparison, contrast.margins[0])
    return power.seeds_for_difference(comparison, MATTERS)


def _careful(contrast: Contrast, comparison: Comparison, counts: Sequence[int]) -> int | None:
    limits = [
        power.upper_limit(deviation, count)
        for deviation, count in zip(comparison.deviations, counts, strict=True)
    ]
    return _asked(contrast, Comparison(tuple(limits), comparison.ratio))


def _is_known(found: Estimate) -> bool:
    return all(one is not None for one in found.deviations) and any(found.deviations)


@dataclass(frozen=True)
class Total:
    """What all contrasts of a study cost with the seeds that are planned: ``seeds`` of all arms,
    and ``more`` of dense alone. ``without``: the contrasts of which the study has not all cells,
    so that nothing tells what they cost."""

    study: str
    seeds: int
    more: int
    cost: Cost
    without: tuple[str, ...] = ()


def totals(contrasts: Sequence[Contrast], studies: Mapping[str, Results]) -> list[Total]:
    """One for each study that tells what its cells cost."""
    found = []
    for name in dict.fromkeys(name for one in contrasts for name in one.studies):
        if name not in studies:
            continue
        of_it = [one for one in contrasts if name in one.studies and one.unit == "points"]
        asked = [one for one in of_it if cost_of_a_seed(studies[name], _cells(one))]
        cells = [cell for one in asked for cell in _cells(one)]
        seeds = {seed for one in asked for seed in one.seeds}
        more = {seed for one in asked for seed in one.second_seeds} - seeds
        cost = cost_of_a_seed(studies[name], cells)
        dense = cost_of_a_seed(studies[name], [(DENSE, None)])
        if cost and dense:
            whole = cost.times(len(seeds)) + dense.times(len(more))
            without = tuple(one.name for one in of_it if one not in asked)
            found.append(Total(name, len(seeds), len(more), whole, without))
    return found


def needs_of(contrasts: Iterable[Contrast], studies: Mapping[str, Results]) -> list[Need]:
    """The needs of those contrasts that a study at hand is the first of."""
    return [
        need(one, studies)
        for one in contrasts
        if one.study in studies and studies[one.study].study.dataset == one.dataset
    ]
