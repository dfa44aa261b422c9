"""What a study says to the note's claims, in words made from the numbers.

A claim is answered by intervals alone: where one holds 0 the answer is that we cannot tell. No word
here is chosen by hand for a result, so a null result reads like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tflottery.report import names, statistics
from tflottery.report.cells import (
    Arm,
    BySeed,
    Cell,
    Results,
    average,
    minus,
    pruned,
    sparsest,
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
class Finding:
    """A claim of the note (``question`` is its section), our answer and what it rests on."""

    question: str
    claim: str
    outcome: str
    evidence: tuple[str, ...]


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
    study = results.study
    count = len(study.seeds)
    lines = []
    if results.dense:
        deviation = results.dense.deviation
        lines.append(
            f"The dense network scores {_mean(results.dense)} % on test data"
            + (f", with a standard deviation of {_TWO(deviation)}." if deviation else ".")
        )
    if count == 1:
        lines.append(
            "There is one seed, so no interval and no verdict by standard deviation can be given; "
            "nothing here is more than one observation."
        )
    failures = results.failures()
    if failures:
        listed = "; ".join(f"{cell}, seed {seed} ({reason})" for cell, seed, reason in failures)
        lines.append(f"{_count(len(failures), 'run')} failed and count nowhere: {listed}.")
    return lines


def tickets(results: Results) -> Finding:
    """Does any original ticket match dense and beat the same mask with new weights?"""
    question = _question(results)
    name = names.model(results.study.model)
    article = "an" if name[:1] in "AEIOL" else "a"
    claim = f"The lottery ticket hypothesis holds when {article} {name} classifies text."
    evidence, matched, advantages = [], [], []
    for method in results.methods("grid"):
        curve = results.curve(Arm("grid", method, "magnitude", "original"))
        matching = [cell for cell in curve if cell.verdict.tolerance]
        gains = [(cell, _advantage(results, cell)) for cell in matching]
        matched += matching
        advantages += [gain for _, gain in gains if gain]
        if curve:
            evidence += _ticket_sentences(results, method, curve, gains)
    if not evidence:
        return Finding(question, claim, MISSING, ("The grid holds no original initialisation.",))
    outcome = UNSURE
    if any(_above(gain) for gain in advantages):
        outcome = HELD
    elif not matched or (advantages and all(_below(gain) for gain in advantages)):
        outcome = FAILED
    return Finding(question, claim, outcome, tuple(evidence))


def _ticket_sentences(
    results: Results,
    method: str,
    curve: Sequence[Cell],
    gains: Sequence[tuple[Cell, Difference | None]],
) -> list[str]:
    name = names.method(method).capitalize()
    points = f"{results.study.tolerance:g} points"
    best = sparsest(curve, lambda cell: cell.verdict.tolerance)
    if best is None or best.difference is None:
        worst = curve[0]
        shown = effect(worst.difference) if worst.difference else "no seed in common"
        return [
            f"{name}: at no level within {points} of dense; at the least sparse, "
            f"{pruned(worst.level)}, {shown}."
        ]
    sentences = [
        f"{name}: within {points} of dense up to {pruned(best.level)}: {effect(best.difference)}."
    ]
    known = [(cell, gain) for cell, gain in gains if gain]
    if known:
        adjusted = statistics.holm([gain.p for _, gain in known])
        clear = [gain for _, gain in known if _above(gain)]
        sure = [p for (_, gain), p in zip(known, adjusted, strict=True) if _sure(gain, p)]
        last = known[-1]
        sentences.append(
            f"Against the same mask with new weights it gains, {pruned(last[0].level)}, "
            f"{effect(last[1])}. The interval lies above 0 at {len(clear)} of the {len(known)} "
            f"levels that match ({len(sure)} after Holm's correction)."
        )
    return sentences


def beats_dense(results: Results) -> Finding:
    """Does any ticket beat dense?"""
    claim = "Some tickets beat the dense network."
    cells = [
        cell
        for cell in results.of("grid")
        if cell.difference and cell.arm.init not in ("random", "reinit")
    ]
    if not cells:
        return Finding(_question(results), claim, MISSING, ("No ticket can be compared.",))
    best = max(cells, key=lambda cell: cell.difference.mean if cell.difference else -100.0)
    assert best.difference is not None  # cells without one were left out above
    clear = [cell for cell in cells if _above(cell.difference)]
    sure = [cell for cell in clear if _sure(cell.difference, cell.adjusted)]
    outcome = HELD if sure else UNSURE
    if all(_below(cell.difference) for cell in cells):
        outcome = FAILED
    evidence = (
        f"Best: {names.method(best.arm.method)}, {best.arm.label}, {pruned(best.level)}: "
        f"{effect(best.difference)}.",
        f"The interval lies above 0 in {len(clear)} of {len(cells)} cells, and in {len(sure)} "
        "after Holm's correction over the grid; the best of many cells looks good by chance.",
    )
    return Finding(_question(results), claim, outcome, evidence)


def one_shot_in_the_middle(results: Results) -> Finding:
    """One-shot minus iterative, averaged over the levels between 50 and 90 %."""
    claim = "One-shot wins over iterative pruning in the middle range."
    low, high = _MIDDLE
    levels = [level for level in results.levels("grid") if low < level < high]
    judged: list[Difference] = []
    evidence = []
    for init in ("original", "rewind:1ep", "rewind:end"):
        gain, used = _methods_apart(results, init, levels)
        if gain is None:
            continue
        judged += [gain] if init == "original" else []
        evidence.append(
            f"{names.init(init).capitalize()}, one-shot minus iterative, mean over "
            f"{_levels(used)}: {effect(gain)}."
        )
    every, used = _methods_apart(results, "original", results.levels("grid"))
    if every and used != levels:
        evidence.append(f"Original, over all {len(used)} levels: {effect(every)}.")
        evidence.append(
            "Level by level: "
            + "; ".join(
                f"{100 * level:.1f} %: {_short(gain)}"
                for level in used
                if (gain := _methods_apart(results, "original", [level])[0])
            )
            + "."
        )
    if not judged:
        return Finding("2.1.3", claim, MISSING, (_NOT_BOTH, *evidence))
    return Finding("2.1.3", claim, _direction(judged), tuple(evidence))


def random_past_95(results: Results) -> Finding:
    """Random initialisation minus the original one, past 95 % pruned."""
    claim = "Past about 95 % pruned, random initialisation wins."
    gains, evidence = [], []
    for level in [level for level in results.levels("grid") if level > _VERY_SPARSE]:
        for method in results.methods("grid"):
            original = results.accuracies(method, "original", level)
            rows = {"random": "random minus original", "reinit": "ticket's mask with new weights"}
            for init, words in rows.items():
                if init == "reinit" and method == "one_shot":
                    continue  # the same network as random
                gain = statistics.compare(results.accuracies(method, init, level), original)
                if gain:
                    gains += [gain] if init == "random" else []
                    evidence.append(
                        f"{names.method(method).capitalize()}, {pruned(level)}, {words}: "
                        f"{effect(gain)}."
                    )
    if not gains:
        return Finding("2.1.3", claim, MISSING, ("No level past 95 % was measured.",))
    return Finding("2.1.3", claim, _direction(gains), tuple(evidence))


def slower(results: Results) -> Finding:
    """Steps of the sparsest tickets minus those of dense."""
    claim = "At high sparsity convergence is slower."
    dense_arm = Arm("dense", "dense", "dense", "fresh")
    gains, evidence = [], []
    measures = {"steps_to_best": "the best validation loss", "steps_to_99": "99 % of the final"}
    for method in results.methods("grid"):
        curve = results.curve(Arm("grid", method, "magnitude", "original"))
        if not curve:
            continue
        cell = curve[-1]
        for column, words in measures.items():
            gain = statistics.compare(
                results.values(column, cell.arm, cell.level), results.values(column, dense_arm)
            )
            if gain:
                gains.append(gain)
                evidence.append(
                    f"{names.method(method).capitalize()}, {pruned(cell.level)}, to {words}: "
                    f"{effect(gain, 'steps')} against dense."
                )
    if not gains:
        return Finding("2.1.3", claim, MISSING, ("No steps were recorded.",))
    return Finding("2.1.3", claim, _direction(gains), tuple(evidence))


def late_rewinding(results: Results) -> list[Finding]:
    """Rewound minus original weights, averaged over the grid's levels."""
    found = []
    tolerance = results.study.tolerance
    claims = {
        "iterative": "Late rewinding is much better for iterative pruning.",
        "one_shot": "Late rewinding is not decisive for one-shot pruning.",
    }
    for method, claim in claims.items():
        gains, evidence = [], []
        for init in ("rewind:1ep", "rewind:end"):
            gain, used = _over_levels(
                results.levels("grid"),
                lambda level, init=init, method=method: (  # type: ignore[misc]
                    results.accuracies(method, init, level),
                    results.accuracies(method, "original", level),
                ),
            )
            if gain:
                gains.append(gain)
                evidence.append(
                    f"{names.init(init).capitalize()} minus original, mean over {_levels(used)}: "
                    f"{effect(gain)}."
                )
        if not gains:
            found.append(Finding("2.1.4", claim, MISSING, ("No rewound ticket was measured.",)))
            continue
        outcome = _direction(gains)
        if method == "one_shot":
            outcome = _no_difference(gains, tolerance)
            evidence.append(
                f"Held would mean that the intervals lie within {tolerance:g} points of 0."
            )
        found.append(Finding("2.1.4", claim, outcome, tuple(evidence)))
    return found


def against_controls(results: Results) -> list[Finding]:
    """The ticket minus each control, averaged over the controls' levels."""
    claim = "A ticket beats every control (beyond the note)."
    gains, evidence = [], []
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
                gains.append(gain)
                evidence.append(
                    f"{names.method(method).capitalize()} ticket minus {arm.label}, mean over "
                    f"{_levels(used)}: {effect(gain)}."
                )
                break
    return [Finding("controls", claim, _direction(gains), tuple(evidence))] if gains else []


def clearer(all_results: Sequence[Results]) -> Finding | None:
    """Is the original ticket's gain over new weights larger for the LSTM than for the CNN?

    Compared on studies of one data set, over the levels that both have, with Welch's t test.
    """
    lstms = [results for results in all_results if results.study.model == "lstm"]
    cnns = [results for results in all_results if results.study.model == "cnn"]
    for lstm in lstms:
        for cnn in [one for one in cnns if one.study.dataset == lstm.study.dataset]:
            common = sorted(set(lstm.levels("grid")) & set(cnn.levels("grid")))
            gains = [_reinit_gains(results, common) for results in (lstm, cnn)]
            difference = statistics.unpaired(*(list(gain.values()) for gain in gains))
            if difference is None:
                continue
            claim = "Tickets show far more clearly in an LSTM than in a CNN."
            evidence = (
                "Iterative original tickets minus the same masks with new weights, mean over "
                f"{_levels(common)}: LSTM {_mean(statistics.summarise(list(gains[0].values())))}, "
                f"CNN {_mean(statistics.summarise(list(gains[1].values())))} points; LSTM minus "
                f"CNN {_short(difference)} (Welch's t interval).",
            )
            return Finding("2.1.2", claim, _direction([difference]), evidence)
    return None


def _reinit_gains(results: Results, levels: Iterable[float]) -> BySeed:
    return average(
        gain
        for level in levels
        if (
            gain := minus(
                results.accuracies("iterative", "original", level),
                results.accuracies("iterative", "reinit", level),
            )
        )
    )


def early_bird(results: Results) -> list[str]:
    """For each level, when the mask had settled: every later one within 0.1 of it (You et al.
    2020, with distances as fractions of the distance by chance)."""
    frame = results.study.early_bird
    if frame is None or frame.empty:
        return []
    last = int(max(frame["epoch_one"].max(), frame["epoch_other"].max()))
    sentences = []
    for level, rows in frame.groupby("level"):
        drawn = []
        for _, of_seed in rows.groupby("seed"):
            settled = [
                int(str(epoch))
                for epoch, later in of_seed[of_seed["epoch_one"] < of_seed["epoch_other"]]
                .assign(epoch_one=lambda frame: frame["epoch_one"].astype(int))
                .groupby("epoch_one")
                if (later["relative"] <= EARLY_BIRD_DISTANCE).all()
            ]
            drawn.append(min(settled, default=last))
        early = [epoch for epoch in drawn if epoch < last]
        head = f"At {pruned(float(str(level)))}"
        if not early:
            sentences.append(f"{head}: in no seed before the last epoch, {last}; nothing is saved.")
            continue
        mean = sum(drawn) / len(drawn)
        sentences.append(
            f"{head}: at epoch {_range(drawn)} of {last} ({len(early)} of {len(drawn)} seeds "
            f"before the end), which saves {100 * (1 - mean / last):.0f} % of the dense training."
        )
    return sentences


def effect(difference: Difference, unit: str = "points") -> str:
    """``+0.42 points (95 % interval +0.10 to +0.74, n = 3)``."""
    show = _SIGNED if unit == "points" else _STEPS
    if difference.low is None or difference.high is None:
        return f"{show(difference.mean)} {unit} (n = {difference.n}, no interval)"
    return (
        f"{show(difference.mean)} {unit} (95 % interval {show(difference.low)} to "
        f"{show(difference.high)}, n = {difference.n})"
    )


def _short(difference: Summary) -> str:
    if difference.low is None or difference.high is None:
        return _SIGNED(difference.mean)
    return f"{_SIGNED(difference.mean)} [{_SIGNED(difference.low)}, {_SIGNED(difference.high)}]"


def _mean(summary: Summary | None) -> str:
    if summary is None:
        return "–"
    if summary.half is None:
        return f"{_TWO(summary.mean)} (n = 1)"
    return f"{_TWO(summary.mean)} ± {_TWO(summary.half)} (95 % interval, n = {summary.n})"


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
    """The answer to "is it above 0": of every gain, of some and none below, or not."""
    above, below = [_above(gain) for gain in gains], [_below(gain) for gain in gains]
    if all(above):
        return HELD
    if any(above):
        return IN_PART
    return FAILED if all(below) else UNSURE


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


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
