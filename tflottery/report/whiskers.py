"""A small picture of an answer: differences, their intervals and their margins, on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tflottery.report.answers import Effect
from tflottery.report.numbers import POINTS, STEPS
from tflottery.report.outcomes import kind
from tflottery.statistics import Difference

WIDTH, HEIGHT = 240, 20
_MIDDLE = WIDTH / 2


@dataclass(frozen=True)
class Whisker:
    """Places in units of the picture, from its left end; ``bands`` are half the widths of the
    margins around 0, which is in the middle, the widest first. ``side``: what the outcome amounts
    to (``outcomes.kind``); of an effect without one, held above 0, failed below, else unsure.
    """

    mean: float
    reach: tuple[float, float] | None
    bands: tuple[float, ...]
    side: str
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class Scale:
    """What stands below the whiskers: ``ticks`` are places and what they are called."""

    ticks: tuple[tuple[float, str], ...]
    unit: str
    width: int = WIDTH


@dataclass(frozen=True)
class Picture:
    """``whiskers``: one for each effect."""

    whiskers: tuple[Whisker, ...]
    scale: Scale | None


def picture(effects: Sequence[Effect], tolerance: float) -> Picture:
    """The effects of an answer, all on one scale. ``tolerance`` is in points.

    A whisker that is much longer than the others runs out of the picture, so that the rest can be
    told apart.
    """
    if not effects:
        return Picture((), None)
    means = [abs(one.difference.mean) for one in effects]
    ends = [
        abs(end)
        for one in effects
        for end in (one.difference.low, one.difference.high)
        if end is not None
    ]
    margins = [_margins(one, tolerance) for one in effects]
    reach = min(max([*means, *ends]), 3 * max(means) or 1.0) or 1.0
    reach = max([reach, *(1.6 * margin for some in margins for margin in some)])
    scale = (_MIDDLE - 20) / reach
    drawn = tuple(
        _whisker(one, scale, tuple(scale * margin for margin in some))
        for one, some in zip(effects, margins, strict=True)
    )
    return Picture(drawn, _scale(effects[0].unit, scale, reach, margins))


def _margins(effect: Effect, tolerance: float) -> tuple[float, ...]:
    if effect.margins or effect.unit != "points":
        return effect.margins
    return (tolerance,)


def _scale(unit: str, scale: float, reach: float, margins: Sequence[tuple[float, ...]]) -> Scale:
    """Ticks at 0 and at the widest margin; where there is none, at the longest reach."""
    end = max((margin for some in margins for margin in some), default=reach)
    show = STEPS if unit == "steps" else POINTS
    places = [(0.0, "0"), (-end, show(-end)), (end, show(end))]
    if end < 0.4 * reach:  # the margins are too near to 0 for a number beside it
        places = [(0.0, "0"), (-reach, show(-reach)), (reach, show(reach))]
    return Scale(tuple((_place(value, scale), said) for value, said in places), unit)


def _whisker(effect: Effect, scale: float, bands: tuple[float, ...]) -> Whisker:
    low, high = effect.difference.low, effect.difference.high
    ends = None if low is None or high is None else (_place(low, scale), _place(high, scale))
    side = kind(effect.outcome) if effect.outcome else _by_interval(effect.difference)
    return Whisker(_place(effect.difference.mean, scale), ends, bands, side)


def _by_interval(difference: Difference) -> str:
    if difference.holds_zero:
        return "unsure"
    return "held" if difference.mean > 0 else "failed"


def _place(value: float, scale: float) -> float:
    return min(max(_MIDDLE + value * scale, 0.0), float(WIDTH))
