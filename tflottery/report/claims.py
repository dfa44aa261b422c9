"""The note's claims 2.1.1 to 2.1.4, one by one, and what the controls say beyond them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tflottery import statistics
from tflottery.report import names
from tflottery.report.cells import Arm, BySeed, Cell, Results, average, minus, pruned
from tflottery.report.findings import (
    FAILED,
    HELD,
    MISSING,
    UNSURE,
    Candidate,
    Effect,
    Finding,
    above,
    below,
    count_of,
    direction,
    in_jumps,
    no_difference,
    over,
    sure,
    winners,
    winning,
)
from tflottery.statistics import Difference

_MIDDLE = (0.5, 0.9)
_VERY_SPARSE = 0.95
_Pair = Callable[[float], tuple[BySeed, BySeed]]


def findings(results: Results) -> list[Finding]:
    """Every claim, also those the study did not measure."""
    return [
        tickets(results),
        beats_dense(results),
        one_shot_in_the_middle(results),
        random_past_95(results),
        slower(results),
        *late_rewinding(results),
        *against_controls(results),
    ]


def tickets(results: Results) -> Finding:
    """Does any original ticket match dense and beat the same mask with new weights?"""
    question = _question(results)
    name = names.model(results.study.model)
    article = "an" if name[:1] in "AEIOL" else "a"
    claim = f"The lottery ticket hypothesis holds when {article} {name} classifies text."
    effects: list[Effect] = []
    remarks: list[str] = []
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
        title = f"{names.method(method).capitalize()}, {pruned(shown.level)}"
        if shown.difference:
            effects.append(Effect(f"{title}: ticket minus dense", shown.difference))
        gain = next((one.minus_new for cell, one in known if cell is shown), None)
        if gain:
            effects.append(Effect(f"{title}: ticket minus its mask with new weights", gain))
        remarks.append(_reach(results, method, curve, [one for _, one in known]))
    if not remarks:
        return Finding(
            question, claim, MISSING, remarks=("The grid holds no original initialisation.",)
        )
    remarks.append(
        "Held means: at some level a ticket is within the tolerance of dense, and what it gains "
        "over new weights is above 0 after Holm's correction over all levels, since which of them "
        "match was seen on the same data. Did not hold means: at every level one of the two is "
        "ruled out by its interval."
    )
    outcome = winning(candidates, results.study.tolerance)
    return Finding(question, claim, outcome, tuple(effects), tuple(remarks))


def _reach(
    results: Results, method: str, curve: Sequence[Cell], candidates: Sequence[Candidate]
) -> str:
    """How many levels match, and at how many of them the ticket beats new weights."""
    tolerance = results.study.tolerance
    matching = [cell for cell in curve if cell.verdict.tolerance]
    name = names.method(method).capitalize()
    head = (
        f"{name}: within {tolerance:g} points of dense at {len(matching)} of "
        f"{count_of(len(curve), 'level')}"
    )
    if not matching:
        return f"{head}."
    head += f", the sparsest {pruned(matching[-1].level)}"
    of_matching = [one.minus_new for one in candidates if one.matches(tolerance) and one.minus_new]
    if not of_matching:
        return f"{head}; no mask with new weights to compare with."
    certain = sum(one.matches(tolerance) for one in winners(candidates))
    return (
        f"{head}; better than new weights, by the interval, at {sum(map(above, of_matching))} of "
        f"those {len(of_matching)} ({certain} after Holm's correction)."
    )


def beats_dense(results: Results) -> Finding:
    """Does any ticket beat dense?"""
    claim = "Some tickets beat the dense network."
    cells = [
        (cell, cell.difference)
        for cell in results.of("grid")
        if cell.difference and cell.arm.init not in ("random", "reinit")
    ]
    if not cells:
        return Finding(_question(results), claim, MISSING, remarks=("No ticket was measured.",))
    best, gain = max(cells, key=lambda pair: pair[1].mean)
    clear = sum(above(difference) for _, difference in cells)
    certain = sum(sure(difference, cell.adjusted) for cell, difference in cells)
    outcome = HELD if certain else UNSURE
    if all(below(difference) for _, difference in cells):
        outcome = FAILED
    where = f"{names.method(best.arm.method).capitalize()}, {best.arm.label}, {pruned(best.level)}"
    remark = (
        f"The interval lies above 0 in {clear} of {count_of(len(cells), 'cell')}, and in {certain} "
        "after Holm's correction over the grid, which is what held means here: the best of many "
        "cells looks good by chance."
    )
    return Finding(_question(results), claim, outcome, (Effect(f"Best: {where}", gain),), (remark,))


def one_shot_in_the_middle(results: Results) -> Finding:
    """One-shot minus iterative, averaged over the levels between 50 and 90 %."""
    claim = "One-shot wins over iterative pruning in the middle range."
    low, high = _MIDDLE
    effects, judged = [], []
    for init in ("original", "rewind:1ep", "rewind:end"):
        levels = [level for level in results.levels("grid") if low < level < high]
        gain, used = _methods_apart(results, init, levels)
        if gain:
            judged += [gain] if init == "original" else []
            label = f"{names.init(init).capitalize()}, one-shot minus iterative"
            effects.append(Effect(f"{label}, {over(used)}", gain))
    for level in results.levels("grid"):
        gain, _ = _methods_apart(results, "original", [level])
        if gain:
            effects.append(Effect(f"Original, at {pruned(level)}", gain))
    remark = "Judged by the original initialisation, averaged over the middle levels seed by seed."
    if not judged:
        none = "No level between 50 and 90 % was measured with both methods."
        return Finding("2.1.3", claim, MISSING, tuple(effects), (none,))
    return Finding("2.1.3", claim, direction(judged), tuple(effects), (remark,))


def random_past_95(results: Results) -> Finding:
    """Random initialisation minus the original one, past 95 % pruned."""
    claim = "Past about 95 % pruned, random initialisation wins."
    effects, judged = [], []
    for level in [level for level in results.levels("grid") if level > _VERY_SPARSE]:
        for method in results.methods("grid"):
            original = results.accuracies(method, "original", level)
            head = f"{names.method(method).capitalize()}, {pruned(level)}"
            rows = {"random": "random minus original"}
            if method != "one_shot":  # there, the two are the same network
                rows["reinit"] = "the ticket's mask with new weights minus original"
            for init, words in rows.items():
                gain = statistics.compare(results.accuracies(method, init, level), original)
                if gain:
                    judged += [gain] if init == "random" else []
                    effects.append(Effect(f"{head}: {words}", gain))
    if not judged:
        none = "No level past 95 % was measured."
        return Finding("2.1.3", claim, MISSING, tuple(effects), (none,))
    return Finding("2.1.3", claim, direction(judged), tuple(effects))


def slower(results: Results) -> Finding:
    """Steps of the sparsest tickets minus those of dense."""
    claim = "At high sparsity convergence is slower."
    dense_arm = Arm("dense", "dense", "dense", "fresh")
    measures = {
        "steps_to_best": "the best validation loss",
        "steps_to_99": "99 % of the final accuracy",
    }
    effects = []
    for method in results.methods("grid"):
        curve = results.curve(Arm("grid", method, "magnitude", "original"))
        for column, words in measures.items() if curve else ():
            cell = curve[-1]
            gain = statistics.compare(
                results.values(column, cell.arm, cell.level), results.values(column, dense_arm)
            )
            if gain:
                head = f"{names.method(method).capitalize()}, {pruned(cell.level)}"
                effects.append(Effect(f"{head}: to {words}, minus dense", gain, "steps"))
    if not effects:
        return Finding("2.1.3", claim, MISSING, remarks=("No steps were recorded.",))
    outcome = direction(in_jumps([one.difference for one in effects]))
    remark = (
        "Steps are those of the validations, one an epoch or more, so they come in jumps; where "
        "all seeds jump alike, the interval has no width and decides nothing."
    )
    return Finding("2.1.3", claim, outcome, tuple(effects), (remark,))


def late_rewinding(results: Results) -> list[Finding]:
    """Rewound minus original weights, averaged over the grid's levels."""
    claims = {
        "iterative": "Late rewinding is much better for iterative pruning.",
        "one_shot": "Late rewinding is not decisive for one-shot pruning.",
    }
    found = []
    for method, claim in claims.items():
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
                label = f"{names.init(init).capitalize()} minus original"
                effects.append(Effect(f"{label}, {over(used)}", gain))
        gains = [one.difference for one in effects]
        if not gains:
            none = ("No rewound ticket was measured.",)
            found.append(Finding("2.1.4", claim, MISSING, remarks=none))
        elif method == "one_shot":
            tolerance = results.study.tolerance
            remark = f"Held means: both intervals lie within {tolerance:g} points of 0."
            outcome = no_difference(gains, tolerance)
            found.append(Finding("2.1.4", claim, outcome, tuple(effects), (remark,)))
        else:
            remark = "Held means: every interval lies above 0; how much better is in the numbers."
            found.append(Finding("2.1.4", claim, direction(gains), tuple(effects), (remark,)))
    return found


def against_controls(results: Results) -> list[Finding]:
    """The ticket minus each control, averaged over the controls' levels."""
    sparse: list[Effect] = []
    gradual: list[Effect] = []
    dense: list[Effect] = []
    head: list[Effect] = []
    others = {"gradual": gradual, "dense": dense}
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
                label = f"{names.method(method).capitalize()} ticket minus {arm.label}"
                one = Effect(f"{label}, {over(used)}", gain)
                group = head if arm.mask.startswith("head_") else sparse
                others.get(arm.method, group).append(one)
                break
    claims = {
        "A ticket beats every sparse control: its mask and its weights both matter.": sparse,
        "A ticket beats a network that is pruned gradually while it trains.": gradual,
        "A ticket beats the dense network that trains as long as the ticket took to find.": dense,
        "What is done to the output layer is worth accuracy.": head,
    }
    return [
        Finding("controls", claim, direction([e.difference for e in effects]), tuple(effects))
        for claim, effects in claims.items()
        if effects
    ]


def clearer(all_results: Sequence[Results]) -> Finding | None:
    """Is the original ticket's gain over new weights larger for the LSTM than for the CNN?

    Compared on studies of one data set, over the levels that both have, with Welch's t test.
    """
    claim = "Tickets show far more clearly in an LSTM than in a CNN."
    for lstm in [results for results in all_results if results.study.model == "lstm"]:
        for cnn in [results for results in all_results if results.study.model == "cnn"]:
            if cnn.study.dataset != lstm.study.dataset:
                continue
            common = sorted(set(lstm.levels("grid")) & set(cnn.levels("grid")))
            gains = [list(_reinit_gains(results, common).values()) for results in (lstm, cnn)]
            apart = statistics.unpaired(*gains)
            if apart is None:
                continue
            head = f"gain over new weights, iterative, {over(common)}"
            effects = [
                Effect(f"{name}: {head}", summary)
                for name, values in zip(("LSTM", "CNN"), gains, strict=True)
                if (summary := statistics.of_differences(values))
            ]
            effects.append(Effect("LSTM minus CNN, Welch's t interval", apart))
            return Finding("2.1.2", claim, direction([apart]), tuple(effects))
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


def _question(results: Results) -> str:
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
