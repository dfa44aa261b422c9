"""Where a difference and its interval stand in a small picture on a line of the summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tflottery.report.answers import Effect
from tflottery.statistics import Difference

WIDTH, HEIGHT = 180, 18
_MIDDLE = WIDTH / 2


@dataclass(frozen=True)
class Whisker:
    """Places in units of the picture, from its left end; ``band`` is half the width of the
    tolerance around 0, which is in the middle. ``side``: held above 0, failed below, else unsure.
    """

    mean: float
    reach: tuple[float, float] | None
    band: float
    side: str
    width: int = WIDTH
    height: int = HEIGHT


def whiskers(effects: Sequence[Effect], tolerance: float) -> list[Whisker]:
    """One for each effect, all on one scale. ``tolerance`` is in points.

    A whisker that is much longer than the others runs out of the picture, so that the rest can be
    told apart.
    """
    means = [abs(one.difference.mean) for one in effects]
    ends = [
        abs(end)
        for one in effects
        for end in (one.difference.low, one.difference.high)
        if end is not None
    ]
    reach = min(max([*means, *ends], default=1.0), 3 * max(means, default=1.0) or 1.0) or 1.0
    if any(one.unit == "points" for one in effects):
        reach = max(reach, 1.6 * tolerance)
    scale = (_MIDDLE - 8) / reach
    return [
        _whisker(one.difference, scale, scale * tolerance if one.unit == "points" else 0.0)
        for one in effects
    ]


def _whisker(difference: Difference, scale: float, band: float) -> Whisker:
    low, high = difference.low, difference.high
    ends = None if low is None or high is None else (_place(low, scale), _place(high, scale))
    side = "held" if difference.mean > 0 else "failed"
    return Whisker(
        _place(difference.mean, scale), ends, band, "unsure" if difference.holds_zero else side
    )


def _place(value: float, scale: float) -> float:
    return min(max(_MIDDLE + value * scale, 0.0), float(WIDTH))
