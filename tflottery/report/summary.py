"""What a study says to the note's claims, in words made from the numbers.

A claim is answered by intervals alone: where one holds 0 the answer is that we cannot tell. No word
here is chosen by hand for a result, so a null result reads like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from tflottery.report import names, statistics
from tflottery.report.cells import (
    Arm,
    BySeed,
    Cell,
    Results,
    average,
    minus,
    pruned,
)
from tflottery.report.statistics import Difference, Summary
from tflottery.report.table import number

HELD, IN_PART, FAILED, UNSURE, MISSING = (
    "held", "held in part", "did not hold", "cannot tell", "not measured",
)  # fmt: skip
_SIGNED, _TWO = number(2, signed=True), number(2)
_STEPS = number(0, signed=True)
_SIGNIFICANT = 0.05
_MIDDLE = (0.5, 0.9)
_VERY_SPARSE = 0.95
EARLY_BIRD_DISTANCE = 0.1
_NOT_BOTH = "No level in that range was measured with both methods."
_Pair = Callable[[float], tuple[BySeed, BySeed]]


@dataclass(frozen=True)
class Effect:
    """A difference and what it is the difference of."""

    label: str
    difference: Difference
    unit: str = "points"

    @property
    def shown(self) -> str:
        """``+0.42 [+0.10, +0.74] points, n = 3``."""
        show = _SIGNED if self.unit == "points" else _STEPS
        one = self.difference
        if one.low is None or one.high is None:
            return f"{show(one.mean)} {self.unit}, n = {one.n}"
        return f"{show(one.mean)} [{show(one.low)}, {show(one.high)}] {self.unit}, n = {one.n}"

    @property
    def words(self) -> str:
        return f"{self.label}: {effect(self.difference, self.unit)}."


@dataclass(frozen=True)
class Finding:
    """A claim of the note (``question`` is its section), our answer and what it rests on."""

    question: str
    claim: str
    outcome: str
    effects: tuple[Effect, ...] = ()
    remarks: tuple[str, ...] = ()


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


def opening(results: Results) -> list[str]:
    """The first sentences of a study: its dense network, its seeds, what failed."""
    count = len(results.study.seeds)
    dense = results.dense
    lines = []
    if dense is None:
        lines.append("The dense network failed for every seed, so nothing can be compared with it.")
    elif dense.half is None:
        lines.append(f"The dense network scores {_TWO(dense.mean)} % on test data (n = 1).")
    else:
        lines.append(
            f"The dense network scores {_TWO(dense.mean)} % on test data, ± {_TWO(dense.half)} "
            f"(95 % interval of the mean, n = {dense.n}); the standard deviation over seeds is "
            f"{_TWO(dense.deviation)} points."
        )
    if count == 1:
        lines.append(
            "There is one seed, so no interval and no verdict by standard deviation can be given; "
            "nothing here is more than one observation."
        )
    failures = results.failures()
    if failures:
        listed = "; ".join(f"{cell}, seed {seed} ({reason})" for cell, seed, reason in failures)
        lines.append(f"{count_of(len(failures), 'run')} failed and count in no mean: {listed}.")
    return lines


def tickets(results: Results) -> Finding:
    """Does any original ticket match dense and beat the same mask with new weights?"""
    question = _question(results)
    name = names.model(results.study.model)
    article = "an" if name[:1] in "AEIOL" else "a"
    claim = f"The lottery ticket hypothesis holds when {article} {name} classifies text."
    effects: list[Effect] = []
    remarks: list[str] = []
    advantages: list[Difference] = []
    matched = 0
    for method in results.methods("grid"):
        curve = results.curve(Arm("grid", method, "magnitude", "original"))
        if not curve:
            continue
        matching = [cell for cell in curve if cell.verdict.tolerance]
        gains = [(cell, gain) for cell in matching if (gain := _advantage(results, cell))]
        matched += len(matching)
        advantages += [gain for _, gain in gains]
        shown = matching[-1] if matching else curve[0]
        title = f"{names.method(method).capitalize()}, {pruned(shown.level)}"
        if shown.difference:
            effects.append(Effect(f"{title}: ticket minus dense", shown.difference))
        if gains and gains[-1][0] is shown:
            effects.append(Effect(f"{title}: ticket minus its mask with new weights", gains[-1][1]))
        remarks.append(_reach(results, method, curve, matching, gains))
    if not remarks:
        return Finding(
            question, claim, MISSING, remarks=("The grid holds no original initialisation.",)
        )
    outcome = UNSURE
    if any(_above(gain) for gain in advantages):
        outcome = HELD
    elif not matched or (advantages and all(_below(gain) for gain in advantages)):
        outcome = FAILED
    remarks.append(
        "Held means: at some level a ticket is within the tolerance of dense, and the interval of "
        "what it gains over new weights lies above 0."
    )
    return Finding(question, claim, outcome, tuple(effects), tuple(remarks))


def _reach(
    results: Results,
    method: str,
    curve: Sequence[Cell],
    matching: Sequence[Cell],
    gains: Sequence[tuple[Cell, Difference]],
) -> str:
    """How many levels match, and at how many of them the ticket beats new weights."""
    name = names.method(method).capitalize()
    head = (
        f"{name}: within {results.study.tolerance:g} points of dense at {len(matching)} of "
        f"{count_of(len(curve), 'level')}"
    )
    if not matching:
        return f"{head}."
    head += f", the sparsest {pruned(matching[-1].level)}"
    if not gains:
        return f"{head}; no mask with new weights to compare with."
    adjusted = statistics.holm([gain.p for _, gain in gains])
    clear = sum(_above(gain) for _, gain in gains)
    sure = sum(_sure(gain, p) for (_, gain), p in zip(gains, adjusted, strict=True))
    return (
        f"{head}; better than new weights, by the interval, at {clear} of those {len(gains)} "
        f"({sure} after Holm's correction)."
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
    clear = sum(_above(difference) for _, difference in cells)
    sure = sum(_sure(difference, cell.adjusted) for cell, difference in cells)
    outcome = HELD if sure else UNSURE
    if all(_below(difference) for _, difference in cells):
        outcome = FAILED
    where = f"{names.method(best.arm.method).capitalize()}, {best.arm.label}, {pruned(best.level)}"
    remark = (
        f"The interval lies above 0 in {clear} of {count_of(len(cells), 'cell')}, and in {sure} "
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
            effects.append(Effect(f"{label}, mean over {_levels(used)} pruned", gain))
    for level in results.levels("grid"):
        gain, _ = _methods_apart(results, "original", [level])
        if gain:
            effects.append(Effect(f"Original, at {pruned(level)}", gain))
    remark = "Judged by the original initialisation, averaged over the middle levels seed by seed."
    if not judged:
        none = "No level between 50 and 90 % was measured with both methods."
        return Finding("2.1.3", claim, MISSING, tuple(effects), (none,))
    return Finding("2.1.3", claim, _direction(judged), tuple(effects), (remark,))


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
    return Finding("2.1.3", claim, _direction(judged), tuple(effects))


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
    outcome = _direction([one.difference for one in effects])
    return Finding("2.1.3", claim, outcome, tuple(effects))


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
                effects.append(Effect(f"{label}, mean over {_levels(used)} pruned", gain))
        gains = [one.difference for one in effects]
        if not gains:
            none = ("No rewound ticket was measured.",)
            found.append(Finding("2.1.4", claim, MISSING, remarks=none))
        elif method == "one_shot":
            tolerance = results.study.tolerance
            remark = f"Held means: both intervals lie within {tolerance:g} points of 0."
            outcome = _no_difference(gains, tolerance)
            found.append(Finding("2.1.4", claim, outcome, tuple(effects), (remark,)))
        else:
            found.append(Finding("2.1.4", claim, _direction(gains), tuple(effects)))
    return found


def against_controls(results: Results) -> list[Finding]:
    """The ticket minus each control, averaged over the controls' levels."""
    sparse: list[Effect] = []
    dense: list[Effect] = []
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
                one = Effect(f"{label}, mean over {_levels(used)} pruned", gain)
                (dense if arm.method == "dense" else sparse).append(one)
                break
    claims = {
        "A ticket beats every sparse control: its mask and its weights both matter.": sparse,
        "A ticket beats the dense network that trains as long as the ticket took to find.": dense,
    }
    return [
        Finding("controls", claim, _direction([e.difference for e in effects]), tuple(effects))
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
            head = f"gain over new weights, iterative, mean over {_levels(common)} pruned"
            effects = [
                Effect(f"{name}: {head}", summary)
                for name, values in zip(("LSTM", "CNN"), gains, strict=True)
                if (summary := statistics.of_differences(values))
            ]
            effects.append(Effect("LSTM minus CNN, Welch's t interval", apart))
            return Finding("2.1.2", claim, _direction([apart]), tuple(effects))
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


def early_bird(results: Results) -> list[str]:
    """When the mask had settled: every later one within 0.1 of it (You et al. 2020, with
    distances as fractions of the distance by chance). One sentence for the levels that agree."""
    frame = results.study.early_bird
    if frame is None or frame.empty:
        return []
    last = int(max(frame["epoch_one"].max(), frame["epoch_other"].max()))
    said: dict[str, list[float]] = {}
    for level, rows in frame.groupby("level"):
        drawn = [_settled(of_seed, last) for _, of_seed in rows.groupby("seed")]
        early = [epoch for epoch in drawn if epoch < last]
        words = f"in no seed before the last epoch, {last}, so nothing is saved"
        if early:
            saved = 100 * (1 - sum(drawn) / len(drawn) / last)
            words = (
                f"after epoch {_range(drawn)} of {last} ({len(early)} of "
                f"{count_of(len(drawn), 'seed')} before the end), which saves {saved:.0f} % of "
                "the dense training"
            )
        said.setdefault(words, []).append(float(str(level)))
    return [f"{_levels(levels)} pruned: {words}." for words, levels in said.items()]


def _settled(rows: pd.DataFrame, last: int) -> int:
    """The first epoch whose distance to every later one is small enough; ``last`` if none is."""
    one, other = rows["epoch_one"], rows["epoch_other"]
    pairs = pd.DataFrame(
        {
            "first": pd.concat([one, other], axis=1).min(axis=1),
            "near": rows["relative"] <= EARLY_BIRD_DISTANCE,
        }
    )[one != other]
    near = pairs.groupby("first")["near"].all()
    return int(min(near[near].index, default=last))


def effect(difference: Difference, unit: str = "points") -> str:
    """``+0.42 points (95 % interval +0.10 to +0.74, n = 3)``."""
    show = _SIGNED if unit == "points" else _STEPS
    if difference.low is None or difference.high is None:
        return f"{show(difference.mean)} {unit} (n = {difference.n}, no interval)"
    return (
        f"{show(difference.mean)} {unit} (95 % interval {show(difference.low)} to "
        f"{show(difference.high)}, n = {difference.n})"
    )


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


def _above(difference: Summary | None) -> bool:
    return difference is not None and difference.low is not None and difference.low > 0


def _below(difference: Summary | None) -> bool:
    return difference is not None and difference.high is not None and difference.high < 0


def _sure(difference: Difference | None, adjusted: float | None) -> bool:
    return _above(difference) and adjusted is not None and adjusted < _SIGNIFICANT


def _direction(gains: Sequence[Summary]) -> str:
    """The answer to "are they above 0": all, some, none and some below, or open."""
    above, below = [_above(gain) for gain in gains], [_below(gain) for gain in gains]
    if all(above):
        return HELD
    if any(above):
        return IN_PART
    return FAILED if any(below) else UNSURE


def _no_difference(gains: Sequence[Summary], tolerance: float) -> str:
    """The answer to "is it 0", give or take the tolerance."""
    within = [
        gain.low is not None and gain.high is not None and -tolerance <= gain.low
        and gain.high <= tolerance
        for gain in gains
    ]  # fmt: skip
    if all(within):
        return HELD
    if any(_above(gain) or _below(gain) for gain in gains):
        return FAILED
    return UNSURE


def _levels(levels: Sequence[float]) -> str:
    shown = [f"{100 * level:.1f}" for level in levels]
    return f"{shown[0]} %" if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]} %"


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def count_of(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
