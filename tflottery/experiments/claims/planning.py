"""How many seeds each contrast needs, from the spread that is in the tables, and what they cost.

Only standard deviations are looked at, and never which side is ahead, so that this may be done at
any time without spoiling a contrast.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from tflottery import power
from tflottery.estimates import Estimate
from tflottery.experiments.claims.contrast import EQUIVALENT, NOT_WORSE, Contrast, Place
from tflottery.experiments.claims.contrasted import everything
from tflottery.experiments.claims.evidence import Cell, at_levels
from tflottery.experiments.claims.found import Found
from tflottery.experiments.price import Cost
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


def need(contrast: Contrast, found: Found) -> Need:
    """The seeds that a contrast needs, from all seeds that there are."""
    seen = everything(contrast, found)
    costs = [_cost(found, place, _cells(contrast, place)) for place in contrast.places]
    known = [cost for cost in costs if cost]
    cost = sum(known[1:], known[0]) if len(known) == len(costs) else None
    second = [(contrast.second, level) for level in at_levels(contrast.second, contrast.levels)]
    cost_more = _cost(found, contrast.place(), second)
    if seen is None or not _is_known(seen):
        return Need(contrast, cost=cost, cost_more=cost_more)
    deviations = tuple(float(one) for one in seen.deviations if one is not None)
    ratio = len(contrast.second_seeds) / len(contrast.seeds)
    comparison = Comparison(deviations, ratio)
    planned = len(contrast.seeds)
    in_points = contrast.unit == "points"
    margin = contrast.margins[0] if contrast.asked == NOT_WORSE else MATTERS
    return Need(
        contrast,
        deviations,
        seen.counts,
        power.seeds_for_half_width(comparison, HALF) if in_points else None,
        power.seeds_for_difference(comparison, MATTERS) if in_points else None,
        power.seeds_for_not_worse(comparison, margin) if in_points else None,
        tuple(power.seeds_for_equivalence(comparison, margin) for margin in MARGINS)
        if in_points
        else (),
        comparison.half_width(planned),
        power.detectable(comparison, planned),
        _careful(contrast, comparison, seen.counts) if in_points else None,
        cost,
        cost_more,
    )


def _cost(found: Found, place: Place, cells: Iterable[Cell]) -> Cost | None:
    evidence = found.at(place)
    return evidence.cost(cells) if evidence else None


def _cells(contrast: Contrast, place: Place) -> list[Cell]:
    """The cells of a contrast's arms in a place."""
    return [
        (arm, level)
        for gain in contrast.gains
        if gain.study == place.study
        for arm in (gain.first, gain.second)
        for level in at_levels(arm, contrast.levels)
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
    """What all contrasts of a place cost with the seeds that are planned: ``seeds`` of all arms,
    and ``more`` of dense alone. ``without``: the contrasts of which there are not all cells, so
    that nothing tells what they cost."""

    place: Place
    seeds: int
    more: int
    cost: Cost
    without: tuple[str, ...] = ()


def totals(contrasts: Sequence[Contrast], found: Found) -> list[Total]:
    """One for each place that tells what its cells cost."""
    made = []
    for place in dict.fromkeys(place for one in contrasts for place in one.places):
        evidence = found.at(place)
        if evidence is None:
            continue
        of_it = [one for one in contrasts if place in one.places and one.unit == "points"]
        asked = [one for one in of_it if evidence.cost(_cells(one, place))]
        seeds = {seed for one in asked for seed in one.seeds}
        more = {seed for one in asked for seed in one.second_seeds} - seeds
        # Seeds that need the same cells cost the same.
        alike = Counter(_cells_by_seed(asked, place).values())
        costs = [
            cost.times(count) for cells, count in alike.items() if (cost := evidence.cost(cells))
        ]
        if costs:
            without = tuple(one.name for one in of_it if one not in asked)
            whole = sum(costs[1:], costs[0])
            made.append(Total(place, len(seeds), len(more), whole, without))
    return made


def _cells_by_seed(contrasts: Iterable[Contrast], place: Place) -> dict[int, tuple[Cell, ...]]:
    """The cells that a seed needs for all contrasts that are planned of it, each once."""
    needed: dict[int, dict[Cell, None]] = {}
    for one in contrasts:
        for gain in one.gains:
            if gain.study != place.study:
                continue
            for arm, seeds in ((gain.first, one.seeds), (gain.second, one.second_seeds)):
                for level, seed in product(at_levels(arm, one.levels), seeds):
                    needed.setdefault(seed, {})[(arm, level)] = None
    return {seed: tuple(cells) for seed, cells in needed.items()}


def needs_of(contrasts: Iterable[Contrast], found: Found) -> list[Need]:
    """The needs of those contrasts that there is evidence for, where they look first."""
    return [need(one, found) for one in contrasts if found.has(one)]
