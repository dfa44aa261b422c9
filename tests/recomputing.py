"""Arms, differences and intervals out of the committed tables of results, with pandas, numpy and
scipy alone: nothing of tflottery's own is imported."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
GRID = (0.36, 0.59, 0.738, 0.832, 0.972)
MIDDLE, LSTM_LEVELS = (0.59, 0.738, 0.832), (0.2, 0.36, 0.488, 0.59, 0.672, 0.832)
CONTROLLED = (0.59, 0.832, 0.972)
Interval = tuple[float, float, float]


def read(file: Path) -> pd.DataFrame:
    """A committed table, as it was written where a document beside it holds its checksum."""
    sums: dict[str, str] = {}
    for document in file.parent.glob("*.json"):
        sums |= json.loads(document.read_text(encoding="utf-8")).get("files", {})
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    assert sums.get(file.name, found) == found, f"{file} is damaged"
    return pd.read_csv(file)


@cache
def study(name: str) -> pd.DataFrame:
    """The cells of a study of seeds 1 to 3, ``cnn``, of new seeds, ``new cnn``, of seeds 24 to 48,
    ``again cnn``, 49 to 53, ``later cnn``, or to 58, ``last cnn``, as the note trained, ``note
    lstm``, or so with more epochs, ``longer lstm``."""
    which, _, network = name.rpartition(" ")
    name = f"note_{network}_small" if which in ("note", "longer") else f"study_{network}"
    if which == "last":
        return pd.concat([study("later cnn"), study("latest cnn")], ignore_index=True)
    seeds = {"again": "24_to_48", "later": "49_to_53", "latest": "54_to_58"}
    name += f"_seeds_{seeds[which]}" if which in seeds else ""
    folder = RESULTS / {"": name, "longer": "note_longer"}.get(which, "new_seeds")
    return read(folder / "data" / name / "cells.csv")


@cache
def moved(name: str) -> pd.DataFrame:
    """The cells of a transfer of seeds 1 to 3, as ``cnn``, or of new seeds: ``new`` to the Yelp
    sample, ``news`` to AG News."""
    target = {"new": "yelp", "news": "ag_news"}.get(name, "")
    folder = RESULTS / "new_seeds" if target else RESULTS / "transfer" / name
    (file,) = (folder / "data").glob(f"*-to-{target}*/cells.csv")
    return read(file)


@cache
def trials(name: str) -> pd.DataFrame:
    (folder,) = (RESULTS / "learning_rate" / name / "data").iterdir()
    return read(folder / "trials.csv")


@cache
def found(model: str, comparison: str) -> Interval:
    table = read(RESULTS / "find_ticket" / "intervals.csv")
    chosen = table[(table["model"] == model) & (table["split"] == "test")]
    (row,) = chosen[chosen["comparison"] == comparison].itertuples()
    return row.difference, row.low, row.high


def of(frame: pd.DataFrame, column: str = "test_accuracy", **labels: object) -> pd.Series:
    """A column by seed, accuracies in points."""
    for name, value in labels.items():
        frame = frame[np.isclose(frame[name], value) if name == "level" else frame[name] == value]
    assert len(frame) and frame["seed"].is_unique, labels
    return frame.set_index("seed")[column] * (100 if column.endswith("accuracy") else 1)


def cell(name: str, method: str, init: str, level: float) -> pd.Series:
    return of(study(name), part="grid", method=method, init=init, level=level)


def shared_films(name: str) -> Interval:
    """Dense networks on the pooled split minus those on the official one, by as many texts."""
    table = read(RESULTS / "split.csv")
    pooled, given = (
        of(table[table["study"] == name], split=split) for split in ("pooled", "given")
    )
    return welch(pooled, given)


def dense(name: str) -> pd.Series:
    return of(study(name), part="dense")


def mean_of(name: str, kind: tuple[str, str], levels: tuple[float, ...]) -> pd.Series:
    """An arm of the grid by seed, the mean over levels."""
    return pd.concat([cell(name, *kind, one) for one in levels], axis=1).mean(axis=1)


def over(name: str, one: tuple[str, str], other: tuple[str, str], levels) -> pd.Series:
    """Differences of two arms of the grid by seed, the mean over levels."""
    gains = [cell(name, *one, level) - cell(name, *other, level) for level in levels]
    return pd.concat(gains, axis=1).mean(axis=1)


def t(differences: pd.Series, confidence: float = 0.95) -> Interval:
    test = stats.ttest_1samp(differences, 0).confidence_interval(confidence)
    return float(differences.mean()), float(test.low), float(test.high)


def welch(one: pd.Series, other: pd.Series) -> Interval:
    test = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    return float(one.mean() - other.mean()), float(test.low), float(test.high)


def turned(one: Interval) -> Interval:
    """Of ``below`` instead of minus."""
    return -one[0], -one[2], -one[1]


TICKET, NEW, RANDOM = ("iterative", "original"), ("iterative", "reinit"), ("iterative", "random")
CARRIED, KEPT = ("iterative", "random:carried"), ("iterative", "random:kept")
NOTE_LEVELS = (0.2, 0.36, 0.488, 0.59, 0.672)
RATE_REWOUND = ("iterative", "learning_rate_rewinding")
FINE_TUNED = ("iterative", "fine_tuning")
LENGTHS = {
    "one longer": ("last cnn", "iterative", "rewind:1ep", 1, 0.972),
    "one longer, one-shot": ("last cnn", "one_shot", "rewind:1ep", 1, 0.972),
    "three longer": ("later cnn", "iterative", "rewind:end", 3, 0.832, 0.972),
}
"""Rewound tickets that are compared with ones of the same length."""
AT_ONE, AT_END = ("iterative", "rewind:1ep"), ("iterative", "rewind:end")
SHOT, SHOT_NEW = ("one_shot", "original"), ("one_shot", "random")
SHOT_ONE, SHOT_END = ("one_shot", "rewind:1ep"), ("one_shot", "rewind:end")


CONTROLS = {
    "random": (SHOT, "one_shot", "random", "original"),
    "shuffled": (TICKET, "iterative", "shuffled", "original"),
    "signs": (TICKET, "iterative", "magnitude", "signs"),
    "gradual": (TICKET, "gradual", "gradual", "fresh"),
    "stretched": (TICKET, "dense", "dense", "fresh"),
}
"""Tickets and the controls beside them, of ten new seeds at 83.2 %."""


def beyond_control(name: str) -> pd.Series:
    """Of a ticket over a control, by seed."""
    ticket, method, mask, init = CONTROLS[name]
    labels = {"method": method, "mask": mask, "init": init, "level": 0.832}
    differences = cell("last cnn", *ticket, 0.832) - of(study("last cnn"), part="control", **labels)
    assert differences.notna().all() and len(differences) == 10
    return differences


def beyond_gradual() -> pd.Series:
    """Of a ticket over gradual pruning from a trained network, by seed."""
    gradual = of(study("later cnn"), part="control", method="gradual", init="trained", level=0.832)
    return cell("later cnn", *TICKET, 0.832) - gradual


def beyond_length(name: str, method: str, init: str, epochs: int, *levels: float) -> pd.Series:
    """Of a rewound ticket over one from its first weights that is trained as long, by seed."""
    longer = {"part": "length", "method": method, "init": f"original+{epochs}ep"}
    gains = [
        cell(name, method, init, level) - of(study(name), level=level, **longer) for level in levels
    ]
    return pd.concat(gains, axis=1).mean(axis=1)


def to_dense(name: str, arm: tuple[str, str], level: float) -> Interval:
    return t(cell(name, *arm, level) - dense(name))


def below_dense(name: str, arm: tuple[str, str], *levels: float) -> Interval:
    """An arm minus all dense networks as groups, the mean over levels."""
    return welch(mean_of(name, arm, levels), dense(name))


def apart(name: str, one, other, *levels: float) -> Interval:
    return t(over(name, one, other, levels))


def clearer() -> Interval:
    levels = (0.36, 0.59, 0.832)
    return welch(*(over(name, TICKET, NEW, levels) for name in ("lstm", "cnn")))


def steps() -> Interval:
    labels = {"part": "grid", "method": "iterative", "init": "original", "level": 0.972}
    ticket = of(study("cnn"), "steps_to_99", **labels)
    return t(ticket - of(study("cnn"), "steps_to_99", part="dense"))


def masked(mask: str, level: float) -> pd.Series:
    """The ticket's first weights in another mask, of new seeds."""
    labels = {"part": "control", "method": "iterative", "init": "original"}
    return of(study("new cnn"), mask=mask, level=level, **labels)


def words(one: str, other: str, *levels: float) -> pd.Series:
    """What one mask gains over another by seed, the mean over levels."""
    arms = [
        [cell("new cnn", *TICKET, x) if mask == "ticket" else masked(mask, x) for x in levels]
        for mask in (one, other)
    ]
    gains = [first - second for first, second in zip(*arms, strict=True)]
    return pd.concat(gains, axis=1).mean(axis=1)


def best_of_dense(name: str, trainings: int) -> pd.Series:
    """The best, on validation data, of so many dense networks of each seed, in points."""
    frame = study(name)
    frame = frame[frame["part"].isin(["dense", "again"]) & (frame["repeat"] < trainings)]
    best = {
        seed: 100 * rows.loc[rows["val_accuracy"].idxmax(), "test_accuracy"]
        for seed, rows in frame.groupby("seed")
        if len(rows) == trainings
    }
    return pd.Series(best)


@cache
def searched() -> pd.DataFrame:
    """Two learning rates of dense and of tickets, of new seeds."""
    files = sorted((RESULTS / "new_seeds" / "data").glob("*/trials.csv"))
    assert len(files) == 2
    return pd.concat(map(read, files))


def raised(network: str, level: float) -> pd.Series:
    """What a network gains at twice the rate, by seed, in points."""
    twice, once = (
        of(searched(), arm=network, level=level, learning_rate=rate) for rate in (0.02, 0.01)
    )
    return twice - once


def steps_to_dense() -> Interval:
    """Of the sparsest tickets minus dense, as groups; who never got there counts with all steps."""
    frame = study("new cnn")
    frame = frame[(frame["part"] == "convergence") & (frame["method"] != "one_shot")]
    frame = frame[(frame["method"] == "dense") | np.isclose(frame["level"], 0.972)]
    counted = frame["steps_to_dense"].fillna(frame["epochs"] * frame["steps_per_epoch"])
    is_dense = frame["method"] == "dense"
    assert sorted(frame["seed"]) == sorted([*range(4, 14)] * 2)
    return welch(counted[~is_dense], counted[is_dense])


def control(method: str, mask: str, init: str, level: float) -> Interval:
    mine = of(study("cnn"), part="control", method=method, mask=mask, init=init, level=level)
    ticket = SHOT if mask == "random" else TICKET
    return t(cell("cnn", *ticket, level) - mine)


def stretched_to_dense() -> Interval:
    """The ticket minus the dense network of three epochs, at the levels of the controls."""
    gains = [cell("cnn", *TICKET, level) - dense("cnn") for level in CONTROLLED]
    return t(pd.concat(gains, axis=1).mean(axis=1))


def arm(name: str, mask: str, init: str, level: float) -> pd.Series:
    return of(moved(name), mask=mask, init=init, level=level)


def move(name: str, one: tuple[str, str], other: tuple[str, str], level: float) -> Interval:
    at = 0.0 if other[0] == "dense" else level
    return t(arm(name, *one, level) - arm(name, *other, at))


def moved_over(one: tuple[str, str], *levels: float) -> pd.Series:
    """Of new seeds, the mean over levels."""
    return pd.concat([arm("new", *one, level) for level in levels], axis=1).mean(axis=1)


OWN, SOURCE, SOURCE_NEW = ("target", "target"), ("source", "source"), ("source", "reinit")
RANDOM_NEW, TARGET_DENSE = ("random", "reinit"), ("dense", "fresh")


@cache
def best_rate(name: str, of_arm: str, level: float, above: float = 0.0) -> float:
    """By the median over seeds of validation accuracy; of rates above one where that is given."""
    frame = trials(name)
    frame = frame[(frame["arm"] == of_arm) & np.isclose(frame["level"], level)]
    frame = frame[(frame["learning_rate"] > above) & (frame["state"] == "done")]
    medians = frame.groupby("learning_rate")["val_accuracy"].median()
    return float(medians.idxmax())


def at_rate(name: str, of_arm: str, level: float, rate: float) -> pd.Series:
    return of(trials(name), arm=of_arm, level=level, learning_rate=rate)


def at_best(name: str, of_arm: str, level: float) -> pd.Series:
    return at_rate(name, of_arm, level, best_rate(name, of_arm, level))


def gain(name: str, of_arm: str, level: float, above: float = 0.0) -> Interval:
    """What the best rate, or the best of the higher ones, gains over 0.01."""
    rate = best_rate(name, of_arm, level, above)
    return t(at_rate(name, of_arm, level, rate) - at_rate(name, of_arm, level, 0.01))


def exponent() -> Interval:
    """The exponent and its interval are the fitted rule's; here of its points, by least squares."""
    (file,) = RESULTS.glob("learning_rate/cnn/data/*/rule.json")
    points = json.loads(file.read_text(encoding="utf-8"))["points"]
    x = -np.log1p([-one["sparsity"] for one in points])
    line = stats.linregress(x, np.log([one["peak"] for one in points]))
    half = float(stats.t.ppf(0.975, len(points) - 2)) * line.stderr
    return line.slope, line.slope - half, line.slope + half


def mean_and_half(values: pd.Series) -> tuple[float, float]:
    mean, low, _ = t(values)
    return mean, mean - low


def holm(ps: list[float]) -> list[float]:
    """Holm's correction once more, by its definition."""
    order, highest, adjusted = np.argsort(ps), 0.0, [0.0] * len(ps)
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, ps[place] * (len(ps) - rank)))
        adjusted[place] = highest
    return adjusted
