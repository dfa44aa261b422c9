"""What is said of a study besides its findings, in words made from the numbers."""

from __future__ import annotations

import pandas as pd

from tflottery.report.cells import Results
from tflottery.report.findings import count_of, from_to, levels_in_words
from tflottery.report.table import ACCURACY

EARLY_BIRD_DISTANCE = 0.1


def opening(results: Results) -> list[str]:
    """The first sentences of a study: its dense network, its seeds, what failed."""
    count = len(results.study.seeds)
    dense = results.dense
    lines = []
    if dense is None:
        lines.append("The dense network failed for every seed, so nothing can be compared with it.")
    elif dense.half is None:
        lines.append(f"The dense network scores {ACCURACY(dense.mean)} % on test data (n = 1).")
    else:
        lines.append(
            f"The dense network scores {ACCURACY(dense.mean)} % on test data, ± "
            f"{ACCURACY(dense.half)} (95 % interval of the mean, n = {dense.n}); the standard "
            f"deviation over seeds is {ACCURACY(dense.deviation)} points."
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


def time_spent(results: Results) -> str:
    """How many networks the study trained, and how long that took in all."""
    timings = results.study.timings.drop_duplicates("key")
    seconds = float(timings["seconds"].sum())
    hours = f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.1f} minutes"
    return f"{count_of(len(timings), 'training')} took {hours} in all, on the machine of the study."


def early_bird(results: Results) -> list[str]:
    """When the mask had settled: every later one within 0.1 of it (You et al. 2020, with
    distances as fractions of the distance by chance). One sentence for the levels that agree."""
    frame = results.study.early_bird
    if frame is None or frame.empty:
        return []
    last = float(max(frame["epoch_one"].max(), frame["epoch_other"].max()))
    said: dict[str, list[float]] = {}
    for level, rows in frame.groupby("level"):
        drawn = [_settled(of_seed, last) for _, of_seed in rows.groupby("seed")]
        early = [epoch for epoch in drawn if epoch < last]
        words = f"in no seed before the last epoch, {last:.3g}, so nothing is saved"
        if early:
            saved = 100 * (1 - sum(drawn) / len(drawn) / last)
            words = (
                f"after epoch {from_to(drawn)} of {last:.3g} ({len(early)} of "
                f"{count_of(len(drawn), 'seed')} before the end), which saves {saved:.0f} % of "
                "the dense training"
            )
        said.setdefault(words, []).append(float(str(level)))
    return [f"{levels_in_words(levels)} pruned: {words}." for words, levels in said.items()]


def _settled(rows: pd.DataFrame, last: float) -> float:
    """The first epoch (a fraction within one) whose distance to every later one is small enough;
    ``last`` if none is."""
    one, other = rows["epoch_one"], rows["epoch_other"]
    pairs = pd.DataFrame(
        {
            "first": pd.concat([one, other], axis=1).min(axis=1),
            "near": rows["relative"] <= EARLY_BIRD_DISTANCE,
        }
    )[one != other]
    near = pairs.groupby("first")["near"].all()
    return float(min(near[near].index, default=last))
