"""How numbers look, in tables and in sentences alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tflottery.statistics import Summary

NOTHING = "–"


def number(digits: int, *, signed: bool = False) -> Callable[[Any], str]:
    """Shows a number with this many digits behind the point, and a real minus sign."""

    def show(value: Any) -> str:
        shown = f"{value:{'+' if signed else ''},.{digits}f}"
        if not float(shown.replace(",", "")):
            shown = shown.lstrip("+-")
        return shown.replace("-", "−")

    return show


ACCURACY, EPOCHS = number(2), number(2)
POINTS = number(2, signed=True)
PERCENT = number(1)
WHOLE = number(0)
STEPS = number(0, signed=True)


def probability(value: Any) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def p_value(value: float) -> str:
    """The same within a sentence."""
    return f"p {probability(value)}" if value < 0.001 else f"p = {probability(value)}"


def yes_no(value: Any) -> str:
    return "yes" if value else "no"


def rate(value: float) -> str:
    """A learning rate, as it is written in configurations."""
    return f"{value:.3g}"


def rates(ends: tuple[float, float]) -> str:
    """``0.002 to 0.01``, or one rate."""
    low, high = ends
    return rate(low) if low == high else f"{rate(low)} to {rate(high)}"


def span(summary: Summary | None, show: Callable[[Any], str] = POINTS) -> str | None:
    """The interval in words, ``+0.12 to +0.31``; None where there is none."""
    if summary is None or summary.low is None or summary.high is None:
        return None
    return f"{show(summary.low)} to {show(summary.high)}"


def with_half(summary: Summary, show: Callable[[Any], str] = ACCURACY) -> str:
    """``87.50 ± 0.31``: the mean, and half of the 95 % interval where there is one."""
    if summary.half is None:
        return show(summary.mean)
    # Hundredths of an interval as wide as that say nothing, and would push a column out.
    digits = 2 if summary.half < 10 else 0
    return f"{show(summary.mean)} ± {summary.half:.{digits}f}"


def accuracy_with_half(summary: Summary) -> str:
    """``87.50 % ± 0.31``."""
    half = "" if summary.half is None else f" ± {ACCURACY(summary.half)}"
    return f"{ACCURACY(summary.mean)} %{half}"


def share(fraction: float) -> str:
    """A fraction in percent, without the sign: ``83.2``."""
    return f"{100 * fraction:.1f}"


def pruned(level: float) -> str:
    """``83.2 % pruned (16.8 % left)``."""
    return f"{share(level)} % pruned ({share(1 - level)} % left)"


def joined(words: Sequence[str]) -> str:
    """``one, two and three``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def levels_in_words(levels: Sequence[float]) -> str:
    return f"{joined([share(level) for level in levels])} %"


def seeds_in_words(seeds: Sequence[int]) -> str:
    """``4-13``, or ``2,5-7``, as ``--seeds`` takes them."""
    parts: list[list[int]] = []
    for seed in sorted(seeds):
        if parts and seed == parts[-1][-1] + 1:
            parts[-1].append(seed)
        else:
            parts.append([seed])
    return ",".join(f"{one[0]}-{one[-1]}" if len(one) > 1 else f"{one[0]}" for one in parts)


def named_seeds(seeds: Sequence[int]) -> str:
    """``seed 1``, ``seeds 4-13``."""
    return f"seed{'s' * (len(seeds) != 1)} {seeds_in_words(seeds)}"


def over(levels: Sequence[float]) -> str:
    """``at 83.2 % pruned``, or ``mean over 59.0 and 83.2 % pruned``."""
    return f"{'at' if len(levels) == 1 else 'mean over'} {levels_in_words(levels)} pruned"


def from_to(values: Sequence[float]) -> str:
    low, high = (f"{value:.3g}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def count_of(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def shortest(value: float) -> str:
    """A number without needless zeroes: ``0.5``, ``2``."""
    return f"{value:g}"


# What templates know these by.
FILTERS: dict[str, Callable[..., Any]] = {
    "accuracy": ACCURACY,
    "points": POINTS,
    "percent": PERCENT,
    "whole": WHOLE,
    "share": share,
    "pruned": pruned,
    "levels_in_words": levels_in_words,
    "joined": joined,
    "seeds_in_words": seeds_in_words,
    "named_seeds": named_seeds,
    "over": over,
    "rate": rate,
    "shortest": shortest,
    "p_value": p_value,
    "three_digits": rate,
    "accuracy_with_half": accuracy_with_half,
    "decimals": lambda value, digits: number(digits)(value),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {"count_of": count_of, "from_to": from_to}
