"""What a study says to the founding note's claims, and what the controls say beyond them.

This module judges, in numbers; ``answers.j2`` has the words. docs/claims.md names the claims.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tflottery import estimates, statistics
from tflottery.experiments import guard, names
from tflottery.experiments.study.cells import (
    OFTEN_VALIDATED,
    Arm,
    BySeed,
    Cell,
    Results,
    average,
    minus,
)
from tflottery.report.answers import Answer, Effect, Said, guarded, say
from tflottery.report.outcomes import (
    FAILED,
    HELD,
    MARGINS,
    MISSING,
    UNSURE,
    Candidate,
    above,
    direction,
    equivalent,
    in_jumps,
    no_difference,
    sure,
    surely_below,
    winners,
    winning,
)
from tflottery.statistics import Difference

WORDS = "experiments/study/answers.j2"
_MIDDLE = (0.5, 0.9)
_VERY_SPARSE = 0.95
_Pair = Callable[[float], tuple[BySeed, BySeed]]


def said(results: Results) -> list[Said]:
    """The answers in words."""
    return say(answers(results), WORDS)


def answers(results: Results) -> list[Answer]:
    """Every claim, also those that the study did not measure; without a verdict where the dense
    network is not shown to have learnt anything."""
    found = [
        tickets(results),
        beats_dense(results),
        one_shot_in_the_middle(results),
        random_when_sparse(results),
        slower(results),
        *late_rewinding(results),
        *against_controls(results),
    ]
    return guarded(found, guard.reason(results.study.learnt))


def tickets(results: Results) -> Answer:
    """Does any original ticket match dense and beat the same mask with new weights?"""
    model = results.study.model
    effects: list[Effect] = []
    reaches: list[dict[str, Any]] = []
    candidates: list[Candidate] = []
    for method in results.methods("grid"):
        curve = results.curve(Arm("grid", method, "magnitude", "original"))
        if not curve:
            continue
        matching = [cell for cell in curve if cell.verdict.tolerance]
        known = [
            (cell, Candidate(cell.difference, _advantage(results, cell)))
            for cell in curve
            if cell.difference
        ]
        candidates += [one for _, one in known]
        shown = matching[-1] if matching else curve[0]
        where = {"method": names.method(method), "level": shown.level}
        if shown.difference:
            effects.append(Effect("minus_dense", shown.difference, about=where))
        if gain := next((one.minus_new for cell, one in known if cell is shown), None):
            effects.append(Effect("minus_new", gain, about=where))
        reaches.append(_reach(results, method, curve, [one for _, one in known]))
    return Answer(
        f"{model}-ticket",
        _section(results),
        winning(candidates, results.study.tolerance) if reaches else MISSING,
        tuple(effects),
        {"model": names.model(model), "reaches": reaches, "tolerance": results.study.tolerance},
        macro="ticket",
    )


def _reach(
    results: Results, method: str, curve: Sequence[Cell], candidates: Sequence[Candidate]
) -> dict[str, Any]:
    """How many levels match, and at how many of them the ticket beats new weights."""
    tolerance = results.study.tolerance
    matching = [cell.level for cell in curve if cell.verdict.tolerance]
    gains = [one.minus_new for one in candidates if one.matches(tolerance) and one.minus_new]
    return {
        "method": names.method(method),
        "levels": len(curve),
        "matching": matching,
        "compared": len(gains),
        "better": sum(map(above, gains)),
        "certain": sum(one.matches(tolerance) for one in winners(candidates)),
    }


def beats_dense(results: Results) -> Answer:
    """Does any ticket beat dense?"""
    cells = [
        (cell, cell.difference)
        for cell in results.of("grid")
        if cell.difference and cell.arm.init.partition(":")[0] not in ("random", "reinit")
    ]
    if not cells:
        return Answer("beats-dense", _section(results), MISSING)
    best, gain = max(cells, key=lambda pair: pair[1].mean)
    clear = sum(above(difference) for _, difference in cells)
    certain = sum(sure(difference, cell.adjusted) for cell, difference in cells)
    outcome = HELD if certain else UNSURE
    if all(surely_below(difference, cell.adjusted) for cell, difference in cells):
        outcome = FAILED
    method = names.method(best.arm.method)
    where = {"method": method, "arm": best.arm.label, "level": best.level}
    return Answer(
        "beats-dense",
        _section(results),
        outcome,
        (Effect("best", gain, about=where),),
        {"cells": len(cells), "above": clear, "certain": certain},
    )


def one_shot_in_the_middle(results: Results) -> Answer:
    """One-shot minus iterative, averaged over the levels between 50 and 90 %."""
    low, high = _MIDDLE
    effects, judged = [], []
    for init in ("original", "rewind:1ep", "rewind:end"):
        levels = [level for level in results.levels("grid") if low < level < high]
        gain, used = _methods_apart(results, init, levels)
        if gain:
            judged += [gain] if init == "original" else []
            about = {"init": names.init(init), "levels": used}
            effects.append(Effect("middle", gain, about=about))
    for level in results.levels("grid"):
        gain, _ = _methods_apart(results, "original", [level])
        if gain:
            effects.append(Effect("level", gain, about={"level": level}))
    outcome = direction(judged, MARGINS) if judged else MISSING
    return Answer("one-shot-middle", "2.1.3", outcome, tuple(effects))


def random_when_sparse(results: Results) -> Answer:
    """Random initialisation minus the original one, past 95 % pruned."""
    effects, judged = [], []
    for level in [level for level in results.levels("grid") if level > _VERY_SPARSE]:
        for method in results.methods("grid"):
            original = results.accuracies(method, "original", level)
            # With one-shot pruning the two are the same network.
            for init in ("random",) if method == "one_shot" else ("random", "reinit"):
                gain = statistics.compare(results.accuracies(method, init, level), original)
                if gain:
                    judged += [gain] if init == "random" else []
                    where = {"method": names.method(method), "level": level}
                    effects.append(Effect(init, gain, about=where))
    outcome = direction(judged, MARGINS) if judged else MISSING
    return Answer("random-when-sparse", "2.1.3", outcome, tuple(effects))


def slower(results: Results) -> Answer:
    """Steps to dense's accuracy of tickets past 95 % pruned, minus those of dense. Steps to a mark
    of each network's own stand beside and decide nothing: whoever ends lower gets there sooner."""
    of_dense = results.steps_to_dense(OFTEN_VALIDATED)
    effects, judged = [], []
    for cell in results.of("convergence"):
        if cell.arm == OFTEN_VALIDATED or cell.level <= _VERY_SPARSE:
            continue
        gain = statistics.compare(results.steps_to_dense(cell.arm, cell.level), of_dense)
        if gain:
            judged.append(gain)
            where = {"method": names.method(cell.arm.method), "level": cell.level}
            effects.append(Effect("steps_to_dense", gain, "steps", where))
    dense_arm = Arm("dense", "dense", "dense", "fresh")
    for method in results.methods("grid"):
        curve = results.curve(Arm("grid", method, "magnitude", "original"))
        for column in ("steps_to_best", "steps_to_99") if curve else ():
            cell = curve[-1]
            gain = statistics.compare(
                results.values(column, cell.arm, cell.level), results.values(column, dense_arm)
            )
            if gain:
                where = {"method": names.method(method), "level": cell.level}
                effects.append(Effect(column, gain, "steps", where))
    outcome = direction(in_jumps(judged)) if judged else MISSING
    return Answer("sparse-slower", "2.1.3", outcome, tuple(effects))


def late_rewinding(results: Results) -> list[Answer]:
    """Rewound minus original weights, averaged over the grid's levels."""
    found = []
    for method, claim in (
        ("iterative", "rewinding-iterative"),
        ("one_shot", "rewinding-one-shot"),
    ):
        effects = []
        for init in ("rewind:1ep", "rewind:end"):
            gain, used = _over_levels(
                results.levels("grid"),
                lambda level, init=init, method=method: (  # type: ignore[misc]
                    results.accuracies(method, init, level),
                    results.accuracies(method, "original", level),
                ),
            )
            if gain:
                where = {"init": names.init(init), "levels": used}
                effects.append(Effect("rewound", gain, about=where))
        gains = [one.difference for one in effects]
        outcome = MISSING
        if gains:
            rule = no_difference if method == "one_shot" else direction
            outcome = rule(gains, MARGINS)
        found.append(Answer(claim, "2.1.4", outcome, tuple(effects)))
    return found


def against_controls(results: Results) -> list[Answer]:
    """The ticket minus each control, averaged over the controls' levels."""
    effects: dict[str, list[Effect]] = {
        name: [] for name in ("sparse-controls", "gradual-pruning", "same-compute", "output-layer")
    }
    groups = {"gradual": "gradual-pruning", "dense": "same-compute"}
    for arm in results.arms("control"):
        for method in dict.fromkeys((arm.method, "iterative", "one_shot")):
            gain, used = _over_levels(
                results.levels("control"),
                lambda level, arm=arm, method=method: (  # type: ignore[misc]
                    results.accuracies(method, "original", level),
                    results.points("test_accuracy", arm, level),
                ),
            )
            if gain:
                about: dict[str, Any] = {"control": arm.label, "levels": used}
                about["method"] = names.method(method)
                to_dense, _ = _over_levels(
                    used,
                    lambda level, arm=arm: (  # type: ignore[misc]
                        results.points("test_accuracy", arm, level),
                        results.dense_by_seed,
                    ),
                )
                about["to_dense"] = to_dense.mean if to_dense else 0.0
                rest = "output-layer" if arm.mask.startswith("head_") else "sparse-controls"
                effects[groups.get(arm.method, rest)].append(Effect("minus", gain, about=about))
                break
    return [
        Answer(name, "", direction([one.difference for one in of], MARGINS), tuple(of))
        for name, of in effects.items()
        if of
    ]


def clearer(lstm: Results, others: Sequence[Results]) -> Answer | None:
    """Is the original ticket's gain over new weights larger for the LSTM than for the CNN?

    Compared with the first study of a CNN on the same data, over the levels that both have, with
    Welch's t test.

    Args:
        lstm: a study; there is no answer where it is of another network.
        others: studies to compare it with.
    """
    if lstm.study.model != "lstm":
        return None
    for cnn in others:
        if cnn.study.model != "cnn" or cnn.study.dataset != lstm.study.dataset:
            continue
        common = sorted(set(lstm.levels("grid")) & set(cnn.levels("grid")))
        gains = [list(_reinit_gains(results, common).values()) for results in (lstm, cnn)]
        estimate = estimates.welch(*gains)
        if estimate is None or estimate.error is None:
            continue
        apart = estimate.difference
        effects = [
            Effect("of", summary, about={"model": name, "levels": common})
            for name, values in zip(("LSTM", "CNN"), gains, strict=True)
            if (summary := statistics.of_differences(values))
        ]
        effects.append(Effect("apart", apart))
        outcome = direction([apart])
        if outcome == UNSURE:
            outcome = equivalent([estimate], MARGINS)
        answer = Answer("lstm-clearer", "2.1.2", outcome, tuple(effects))
        why = [guard.reason(results.study.learnt) for results in (lstm, cnn)]
        return guarded([answer], next(filter(None, why), ""))[0]
    return None


def _reinit_gains(results: Results, levels: Iterable[float]) -> BySeed:
    gains = (
        minus(
            results.accuracies("iterative", "original", level),
            results.accuracies("iterative", "reinit", level),
        )
        for level in levels
    )
    return average(gain for gain in gains if gain)


def _section(results: Results) -> str:
    return "2.1.2" if results.study.model == "lstm" else "2.1.1"


def _advantage(results: Results, cell: Cell) -> Difference | None:
    """A ticket minus the same mask with new weights."""
    own = results.points("test_accuracy", cell.arm, cell.level)
    return statistics.compare(own, results.accuracies(cell.arm.method, "reinit", cell.level))


def _methods_apart(
    results: Results, init: str, levels: Sequence[float]
) -> tuple[Difference | None, list[float]]:
    """One-shot minus iterative."""
    return _over_levels(
        levels,
        lambda level: (
            results.accuracies("one_shot", init, level),
            results.accuracies("iterative", init, level),
        ),
    )


def _over_levels(levels: Iterable[float], pair: _Pair) -> tuple[Difference | None, list[float]]:
    """The difference of a pair, averaged over the levels seed by seed, and those levels."""
    known = {level: gain for level in levels if (gain := minus(*pair(level)))}
    mean = average(known.values())
    return statistics.of_differences(list(mean.values())), sorted(known)
