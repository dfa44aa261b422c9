"""Cautions about levels of a search that nothing of a text gets through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tflottery.runs.measures import answers_alike
from tflottery.tickets import words
from tflottery.tickets.search import Outcome, Round


def cautions(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Lines on layers without a weight, and on networks that answer alike to every text; none where
    there are none of them.

    Args:
        outcomes: of a search, one a seed.
    """
    empty = {name: one.collapsed for name, one in _rounds(outcomes)}
    alike = [name for name, one in _rounds(outcomes) if not empty[name] and answers_alike(one.run)]
    return (*words.on_collapse(empty.items()), *words.on_alike(alike))


def _rounds(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, Round]]:
    """Every level, and what it is called."""
    for outcome in outcomes:
        seed = f"seed {outcome.seed} " if len(outcomes) > 1 else ""
        for one in outcome.rounds:
            yield f"{seed}round {one.level.number}", one
