"""The comparison of criteria: which networks tell whether one is better than another.

Each criterion prunes at its own moment: before training, after it at once, or in rounds that are
each trained from the original weights. Its checks are those of Frankle et al. (2021, arXiv
2009.08576) and Su et al. (2020, arXiv 2009.11094): a mask that does as well shuffled, with new
weights or by inverted scores owes what it does to something else than its scores.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from tflottery import seeds
from tflottery.experiments.names import AT_INIT, USUAL
from tflottery.experiments.study.arms import Cell, Seed
from tflottery.experiments.study.controls import random_mask, words_are_pruned
from tflottery.experiments.study.settings import StudySettings
from tflottery.models.architecture import Architecture
from tflottery.pruning import criteria
from tflottery.pruning.criteria.gradients import OF_FLOW
from tflottery.runs.shuffled import Shuffled, ShuffledWords
from tflottery.runs.specs import RunSpec
from tflottery.tickets.methods import MethodName
from tflottery.tickets.plan import Level
from tflottery.tickets.settings import PruningSettings, with_criterion

PART = "criterion"


def compared(seed: Seed) -> Iterator[Cell]:
    """Each criterion at each of its moments and levels, and its checks."""
    study = seed.study
    check_levels = study.criteria_check_levels or study.compared_levels
    checked = study.criteria_checked or study.criteria
    for name in study.criteria:
        if not _is_meant_for(name, seed.recipe.model) or _is_refused(name, seed.pruning):
            continue
        usual = USUAL[criteria.kind(name)]
        for moment in _moments(name, study):
            for level in study.compared_levels:
                ticket = _ticket(seed, name, moment, level)
                yield seed.cell(PART, moment, name, "original", level, ticket)
                if level not in check_levels:
                    continue
                if name in checked:
                    for mask, init, spec in _checks(seed, name, moment, level):
                        yield seed.cell(PART, moment, mask, init, level, spec)
                if name in study.criteria_longer:
                    more = seed.epochs * _last(seed, usual, "iterative", level).number
                    longer = seed.lasting(ticket, seed.epochs + more)
                    yield seed.cell(PART, moment, name, f"original+{more}ep", level, longer)


def left_out(
    study: StudySettings, pruning: PruningSettings, model: Architecture
) -> tuple[str, ...]:
    """Lines on criteria and checks that a study asks for and that mean nothing there."""
    lines = [
        f"The criterion {name} is left out: the network {model.name} has layers, as gates, "
        "attention or norms, for which the flow through kernels and ReLU has no meaning."
        for name in study.criteria
        if not _is_meant_for(name, model)
    ]
    lines += [
        f"The criterion {name} is left out: some of its scores are below 0, and the scope lamp "
        "squares them."
        for name in study.criteria
        if _is_refused(name, pruning)
    ]
    if not study.criteria:
        return ()
    if study.of_units and (shuffled := {"shuffled", "shuffled_words"} & {*study.criteria_checks}):
        lines.append(
            f"Masks of criteria that are {' and '.join(sorted(shuffled))} are left out: shuffled "
            "they keep single weights, and these criteria keep whole units."
        )
    elif "shuffled_words" in study.criteria_checks and not words_are_pruned(pruning, model):
        lines.append(
            "Masks of criteria that are shuffled within words are left out: no embedding is "
            "pruned here."
        )
    if "inverted" in study.criteria_checks and not _can_be_inverted(pruning):
        lines.append("Inverted scores are left out: they are below 0, and the scope lamp squares.")
    return tuple(lines)


def _moments(name: str, study: StudySettings) -> tuple[str, ...]:
    """When a criterion prunes, as the method of its cells."""
    if criteria.needs_no_training(name):
        return (AT_INIT,)
    return ("one_shot", "iterative") if name in study.criteria_in_rounds else ("one_shot",)


def _last(seed: Seed, name: str, method: MethodName, level: float, init: str = "original") -> Level:
    return seed.last(method, init, level, with_criterion(seed.pruning, name))


def _ticket(seed: Seed, name: str, moment: str, level: float) -> RunSpec:
    if name in criteria.BY_CHANCE.values():
        return random_mask(seed, level, name)
    return _last(seed, name, _method(moment), level).ticket


def _method(moment: str) -> MethodName:
    """How a mask is drawn: before training it is drawn at once too."""
    return "iterative" if moment == "iterative" else "one_shot"


def _checks(seed: Seed, name: str, moment: str, level: float) -> Iterator[tuple[str, str, RunSpec]]:
    """Mask and init in words, and the network. A random mask that is shuffled, has new weights or
    inverted scores is another random mask, and says nothing. Shuffled, a mask of units is one of
    weights."""
    if name in criteria.BY_CHANCE.values():
        return
    kinds, change = seed.study.criteria_checks, dataclasses.replace
    method, drawn = _method(moment), seeds.derive("control", seed.number)
    last = _last(seed, name, method, level)
    ticket, mask = last.ticket, last.mask
    of_units = criteria.scores_units(name)
    if "shuffled" in kinds and not of_units:
        yield f"{name}:shuffled", "original", change(ticket, mask=Shuffled(mask, drawn))
    has_words = words_are_pruned(seed.pruning, seed.recipe.model) and not of_units
    if "shuffled_words" in kinds and has_words:
        words = ShuffledWords(mask, drawn)
        yield f"{name}:shuffled_words", "original", change(ticket, mask=words)
    if "reinit" in kinds:
        # One-shot the grid's random start is this very network.
        anew = _last(seed, name, "one_shot", level, "random").ticket
        yield name, "reinit", last.reinit if method == "iterative" else anew
    # In rounds it would take a chain of its own.
    if "inverted" in kinds and method == "one_shot" and _can_be_inverted(seed.pruning):
        yield f"{name}:inverted", "original", change(ticket, mask=change(mask, inverted=True))


def _is_meant_for(name: str, model: Architecture) -> bool:
    return name not in OF_FLOW or getattr(model, "flows", True)


def _is_refused(name: str, pruning: PruningSettings) -> bool:
    return pruning.scope == "lamp" and criteria.has_negative(name)


def _can_be_inverted(pruning: PruningSettings) -> bool:
    return pruning.scope != "lamp"
