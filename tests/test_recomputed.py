"""Every interval that README and the results' READMEs state, recomputed from the committed tables.

With pandas, numpy and scipy alone: nothing of tflottery's own is imported. Each statement names the
words that stand before its numbers, and each number of those pages that has an interval has to be
one of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
PAGES = {
    "README": ROOT / "README.md",
    "results": RESULTS / "README.md",
    "first": RESULTS / "seeds_1_to_3.md",
    "transfer": RESULTS / "transfer" / "README.md",
    "rates": RESULTS / "learning_rate" / "README.md",
    "find": RESULTS / "find_ticket" / "README.md",
}
_NUMBER = r"[+−]?\d+(?:\.\d+)?"
_INTERVAL = re.compile(rf"({_NUMBER}) (?:points )?\[({_NUMBER}), ({_NUMBER})\]")
_HALF = re.compile(rf"({_NUMBER}) (?:%? ?)± (\d+\.\d+)")
GRID = (0.36, 0.59, 0.738, 0.832, 0.972)
MIDDLE, LSTM_LEVELS = (0.59, 0.738, 0.832), (0.2, 0.36, 0.488, 0.59, 0.672, 0.832)
CONTROLLED = (0.59, 0.832, 0.972)
Interval = tuple[float, float, float]


@cache
def study(name: str) -> pd.DataFrame:
    """The cells of a study of seeds 1 to 3, ``cnn``, or of new seeds, ``new cnn``."""
    folder = RESULTS / "new_seeds" if name.startswith("new ") else RESULTS
    name = f"study_{name.removeprefix('new ')}"
    return pd.read_csv(folder / name / "data" / name / "cells.csv")


@cache
def moved(name: str) -> pd.DataFrame:
    (folder,) = (RESULTS / "transfer" / name / "data").iterdir()
    return pd.read_csv(folder / "cells.csv")


@cache
def trials(name: str) -> pd.DataFrame:
    (folder,) = (RESULTS / "learning_rate" / name / "data").iterdir()
    return pd.read_csv(folder / "trials.csv")


@cache
def found(model: str, comparison: str) -> Interval:
    table = pd.read_csv(RESULTS / "find_ticket" / "intervals.csv")
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


def dense(name: str) -> pd.Series:
    return of(study(name), part="dense")


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
AT_ONE, AT_END = ("iterative", "rewind:1ep"), ("iterative", "rewind:end")
SHOT, SHOT_NEW = ("one_shot", "original"), ("one_shot", "random")
SHOT_ONE, SHOT_END = ("one_shot", "rewind:1ep"), ("one_shot", "rewind:end")


def to_dense(name: str, arm: tuple[str, str], level: float) -> Interval:
    return t(cell(name, *arm, level) - dense(name))


def below_dense(name: str, arm: tuple[str, str], *levels: float) -> Interval:
    """An arm minus all dense networks as groups, the mean over levels."""
    cells = pd.concat([cell(name, *arm, level) for level in levels], axis=1).mean(axis=1)
    return welch(cells, dense(name))


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
    import json

    (file,) = RESULTS.glob("learning_rate/cnn/data/*/rule.json")
    points = json.loads(file.read_text(encoding="utf-8"))["points"]
    x = -np.log1p([-one["sparsity"] for one in points])
    line = stats.linregress(x, np.log([one["peak"] for one in points]))
    half = float(stats.t.ppf(0.975, len(points) - 2)) * line.stderr
    return line.slope, line.slope - half, line.slope + half


Said = tuple[str, str, Callable[[], Interval]]


def _claims(page: str) -> Iterator[Said]:
    """The claims' table of seeds 1 to 3."""
    yield page, "CNN 83.2 ticket dense", lambda: to_dense("cnn", TICKET, 0.832)
    yield page, "CNN 83.2 ticket new", lambda: apart("cnn", TICKET, NEW, 0.832)
    yield page, "larger CNN dense", lambda: found("cnn", "ticket - dense")
    yield page, "larger CNN new", lambda: found("cnn", "ticket - reinit")
    yield page, "LSTM 67.2 ticket dense", lambda: to_dense("lstm", TICKET, 0.672)
    yield page, "LSTM 67.2 ticket new", lambda: apart("lstm", TICKET, NEW, 0.672)
    yield page, "larger LSTM dense", lambda: found("lstm", "ticket - dense")
    yield page, "larger LSTM new", lambda: found("lstm", "ticket - reinit")
    yield page, "LSTM - CNN", clearer
    yield page, "one-shot CNN", lambda: apart("cnn", SHOT, TICKET, *MIDDLE)
    yield page, "one-shot LSTM", lambda: apart("lstm", SHOT, TICKET, 0.59, 0.832)
    yield page, "one-shot LSTM 59", lambda: apart("lstm", SHOT, TICKET, 0.59)
    yield page, "random one-shot", lambda: apart("cnn", SHOT_NEW, SHOT, 0.972)
    yield page, "random iterative", lambda: apart("cnn", RANDOM, TICKET, 0.972)
    yield page, "steps", steps
    yield page, "exponent", exponent
    yield page, "rewound CNN", lambda: apart("cnn", AT_ONE, TICKET, *GRID)
    yield page, "rewound CNN, not sparsest", lambda: apart("cnn", AT_ONE, TICKET, *GRID[:-1])
    yield page, "rewound LSTM", lambda: apart("lstm", AT_ONE, TICKET, *LSTM_LEVELS)
    yield page, "rewound to the end LSTM", lambda: apart("lstm", AT_END, TICKET, *LSTM_LEVELS)
    yield page, "rewound one-shot CNN", lambda: apart("cnn", SHOT_ONE, SHOT, *GRID)
    yield page, "rewound to the end one-shot", lambda: apart("cnn", SHOT_END, SHOT, *GRID)
    yield page, "transfer dense", lambda: move("cnn", SOURCE, TARGET_DENSE, 0.832)
    yield page, "transfer new", lambda: move("cnn", SOURCE, SOURCE_NEW, 0.832)


def _answers(page: str) -> Iterator[Said]:
    """What was asked beforehand, of new seeds."""
    cnn = "new cnn"
    yield page, "new: ticket dense", lambda: below_dense(cnn, TICKET, 0.832)
    yield page, "new: ticket new", lambda: apart(cnn, TICKET, NEW, 0.832)
    yield page, "new: beats dense", lambda: below_dense(cnn, TICKET, 0.36, 0.59)
    yield page, "new: one-shot", lambda: apart(cnn, SHOT, TICKET, *MIDDLE)
    yield page, "new: random", lambda: apart(cnn, RANDOM, TICKET, 0.972)
    yield page, "new: random one-shot", lambda: apart(cnn, SHOT_NEW, SHOT, 0.972)
    yield page, "new: steps", steps_to_dense
    yield page, "new: rewound", lambda: apart(cnn, AT_ONE, TICKET, *GRID)
    yield page, "new: rewound, sparsest", lambda: apart(cnn, AT_ONE, TICKET, 0.972)
    yield page, "new: rewound, else", lambda: apart(cnn, AT_ONE, TICKET, *GRID[:-1])
    yield page, "new: rewound one-shot", lambda: apart(cnn, SHOT_ONE, SHOT, *GRID)
    yield page, "news: dense", lambda: below_dense("new ag_news", TICKET, 0.832)
    yield page, "news: new", lambda: apart("new ag_news", TICKET, NEW, 0.832)
    both = (0.832, 0.972)
    yield page, "words, counts", lambda: t(words("shuffled_words", "shuffled", *both))
    yield page, "words, rest", lambda: t(words("ticket", "shuffled_words", *both))


def _results() -> Iterator[Said]:
    page, cnn = "results", "new cnn"
    yield from _answers(page)
    for level in (0.59, 0.738, 0.972):
        yield page, f"new {level}", lambda level=level: apart(cnn, TICKET, NEW, level)
    for level in (0.832, 0.972):
        yield (
            page,
            f"words {level}",
            lambda level=level: t(words("shuffled_words", "shuffled", level)),
        )
    yield page, "below dense", lambda: turned(below_dense(cnn, TICKET, 0.972))
    yield page, "one shot behind", lambda: turned(apart(cnn, SHOT, TICKET, 0.972))
    yield (
        page,
        "rewinding, iterative - one-shot",
        lambda: t(over(cnn, AT_ONE, TICKET, GRID) - over(cnn, SHOT_ONE, SHOT, GRID)),
    )


def _first() -> Iterator[Said]:
    page = "first"
    yield from _claims(page)
    yield page, "one-shot LSTM 83.2", lambda: apart("lstm", SHOT, TICKET, 0.832)
    yield page, "rewound end CNN", lambda: apart("cnn", AT_END, TICKET, *GRID)
    yield page, "rewound LSTM one-shot", lambda: apart("lstm", SHOT_ONE, SHOT, 0.59, 0.832)
    yield page, "to the end LSTM one-shot", lambda: apart("lstm", SHOT_END, SHOT, 0.59, 0.832)
    yield page, "higher rate LSTM", lambda: gain("lstm", "ticket", 0.832, above=0.01)
    yield page, "transfer LSTM", lambda: move("lstm", SOURCE, TARGET_DENSE, 0.832)
    yield page, "transfer LSTM new", lambda: move("lstm", SOURCE, SOURCE_NEW, 0.832)
    yield page, "sparsest one-shot", lambda: to_dense("cnn", SHOT, 0.972)
    yield page, "sparsest iterative", lambda: to_dense("cnn", TICKET, 0.972)
    yield page, "LSTM below", lambda: turned(to_dense("lstm", TICKET, 0.672))
    yield page, "LSTM below 83.2", lambda: turned(to_dense("lstm", TICKET, 0.832))
    for level in CONTROLLED:
        for kind in (
            ("one_shot", "random", "original"), ("iterative", "shuffled", "original"),
            ("iterative", "magnitude", "signs"), ("iterative", "head_pruned", "original"),
            ("gradual", "gradual", "fresh"), ("dense", "dense", "fresh"),
        ):  # fmt: skip
            yield page, f"{kind} {level}", lambda kind=kind, level=level: control(*kind, level)
    yield page, "ticket - three epochs", stretched_to_dense
    yield page, "rewound one-shot, not sparsest", lambda: apart("cnn", SHOT_ONE, SHOT, *GRID[:-1])
    yield page, "rewound at the sparsest", lambda: apart("cnn", AT_ONE, TICKET, 0.972)
    yield page, "rewound one-shot sparsest", lambda: apart("cnn", SHOT_ONE, SHOT, 0.972)
    yield (
        page,
        "iterative - one-shot",
        lambda: t(over("cnn", AT_ONE, TICKET, GRID) - over("cnn", SHOT_ONE, SHOT, GRID)),
    )
    yield page, "larger CNN, below", lambda: turned(found("cnn", "ticket - dense"))
    yield (
        page,
        "tuned, new",
        lambda: t(at_best("cnn", "ticket", 0.832) - at_best("cnn", "reinit", 0.832)),
    )
    yield page, "weights", lambda: move("cnn", SOURCE, SOURCE_NEW, 0.972)
    yield page, "mask 83.2", lambda: move("cnn", SOURCE_NEW, RANDOM_NEW, 0.832)
    yield page, "mask 97.2", lambda: move("cnn", SOURCE_NEW, RANDOM_NEW, 0.972)
    yield page, "own", lambda: move("cnn", SOURCE, OWN, 0.972)
    yield page, "back", lambda: move("reverse", SOURCE, TARGET_DENSE, 0.832)
    yield page, "LSTM's lower rate", lambda: gain("lstm", "ticket", 0.832)
    yield (
        page,
        "LSTM tuned",
        lambda: t(at_best("lstm", "ticket", 0.832) - at_best("lstm", "reinit", 0.832)),
    )


def _transfer() -> Iterator[Said]:
    page = "transfer"
    yield page, "dense", lambda: move("cnn", SOURCE, TARGET_DENSE, 0.832)
    yield page, "new 83.2", lambda: move("cnn", SOURCE, SOURCE_NEW, 0.832)
    yield page, "new 97.2", lambda: move("cnn", SOURCE, SOURCE_NEW, 0.972)
    yield page, "below dense", lambda: turned(move("cnn", SOURCE, TARGET_DENSE, 0.972))
    for level in (0.36, 0.59, 0.972):
        yield page, f"own {level}", lambda level=level: move("cnn", SOURCE, OWN, level)
    for level in (0.738, 0.832, 0.972):
        yield page, f"mask {level}", lambda level=level: move("cnn", SOURCE_NEW, RANDOM_NEW, level)
    yield page, "LSTM", lambda: turned(move("lstm", SOURCE_NEW, TARGET_DENSE, 0.832))
    yield page, "back", lambda: move("reverse", SOURCE, TARGET_DENSE, 0.832)
    yield page, "back, own", lambda: turned(move("reverse", SOURCE, OWN, 0.832))
    yield page, "back, new", lambda: move("reverse", SOURCE, SOURCE_NEW, 0.832)


def _rates() -> Iterator[Said]:
    page = "rates"
    yield (
        page,
        "tuned LSTM",
        lambda: t(at_best("lstm", "ticket", 0.832) - at_best("lstm", "reinit", 0.832)),
    )
    yield (
        page,
        "untuned LSTM",
        lambda: t(at_rate("lstm", "ticket", 0.832, 0.01) - at_rate("lstm", "reinit", 0.832, 0.01)),
    )
    yield (
        page,
        "LSTM to dense",
        lambda: t(at_best("lstm", "ticket", 0.832) - at_best("lstm", "dense", 0.0)),
    )
    yield page, "higher LSTM", lambda: gain("lstm", "ticket", 0.832, above=0.01)
    yield (
        page,
        "sparsest",
        lambda: turned(t(at_best("cnn", "ticket", 0.972) - at_best("cnn", "dense", 0.0))),
    )
    yield (
        page,
        "sparsest new",
        lambda: t(at_best("cnn", "ticket", 0.972) - at_best("cnn", "reinit", 0.972)),
    )


def _find() -> Iterator[Said]:
    for model in ("cnn", "lstm", "gru", "transformer"):
        for other in ("dense", "reinit"):
            what = f"ticket - {other}"
            yield "find", f"{model} {what}", lambda model=model, what=what: found(model, what)


def _readme() -> Iterator[Said]:
    page = "README"
    yield from _answers(page)
    yield page, "LSTM ticket dense", lambda: to_dense("lstm", TICKET, 0.672)
    yield page, "LSTM ticket new", lambda: apart("lstm", TICKET, NEW, 0.672)
    yield page, "LSTM - CNN", clearer
    yield page, "exponent", exponent
    yield page, "transfer dense", lambda: move("cnn", SOURCE, TARGET_DENSE, 0.832)
    yield page, "transfer new", lambda: move("cnn", SOURCE, SOURCE_NEW, 0.832)
    for model in ("cnn", "lstm", "gru", "transformer"):
        for other in ("dense", "reinit"):
            what = f"ticket - {other}"
            yield "README", f"{model} {what}", lambda model=model, what=what: found(model, what)


# Numbers of recipes that were replaced, whose tables are not kept; the page says so of each.
WITHOUT_TABLE = {
    ("−0.25", "−0.57", "+0.07"), ("−1.65", "−2.82", "−0.48"), ("87.47", "0.40"),
}  # fmt: skip

SAID = [*_readme(), *_results(), *_first(), *_transfer(), *_rates(), *_find()]


@cache
def text_of(page: str) -> str:
    """A page on one line, without its code and the marks of quotations."""
    text = PAGES[page].read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return " ".join(re.sub(r"^> ", "", text, flags=re.MULTILINE).split())


def _is(shown: tuple[str, ...], computed: tuple[float, ...]) -> bool:
    """Whether numbers are those that were computed, to their last digit."""
    for one, other in zip(shown, computed, strict=True):
        room = 0.51 * 10.0 ** -len(one.partition(".")[2])
        if abs(float(one.replace("−", "-")) - other) > room:
            return False
    return True


@pytest.mark.parametrize(
    ("page", "what", "compute"), SAID, ids=[f"{page}, {what}" for page, what, _ in SAID]
)
def test_what_the_tables_give_is_what_the_page_says(page, what, compute):
    computed = compute()
    assert any(_is(one, computed) for one in _INTERVAL.findall(text_of(page))), (what, computed)


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_interval_of_a_page_comes_from_the_tables(page):
    known = [compute() for of_page, _, compute in SAID if of_page == page]
    shown = _INTERVAL.findall(text_of(page))
    shown = [one for one in shown if one not in WITHOUT_TABLE]
    assert [one for one in shown if not any(_is(one, each) for each in known)] == [] and shown


def _mean_and_half(values: pd.Series) -> tuple[float, float]:
    mean, low, _ = t(values)
    return mean, mean - low


def _halves(page: str) -> Iterator[tuple[float, float]]:
    """Every mean and half an interval, or a standard deviation, that a page may show."""
    if page == "results":
        yield _mean_and_half(dense("new cnn"))
        for level in (0.832, 0.972):
            yield _mean_and_half(cell("new cnn", *TICKET, level))
            yield _mean_and_half(cell("new cnn", *NEW, level))
            for mask in ("words_only", "shuffled_words", "shuffled"):
                yield _mean_and_half(masked(mask, level))
    if page == "first":
        for name in ("cnn", "lstm"):
            yield _mean_and_half(dense(name))
        for init in ("original", "rewind:1ep", "rewind:end", "reinit", "random"):
            for method in ("iterative", "one_shot"):
                for level in GRID if (method, init) != ("one_shot", "reinit") else ():
                    yield _mean_and_half(cell("cnn", method, init, level))
    if page == "transfer":
        for name in ("cnn", "lstm", "reverse"):
            labels = moved(name)[["mask", "init", "level"]].drop_duplicates()
            yield from (_mean_and_half(arm(name, *row)) for row in labels.itertuples(index=False))
    if page == "rates":
        for name in ("cnn", "lstm"):
            labels = trials(name)[["arm", "level"]].drop_duplicates()
            for of_arm, level in labels.itertuples(index=False):
                if best_rate(name, of_arm, level) != 0.01:
                    mean, low, _ = gain(name, of_arm, level)
                    yield mean, mean - low
    if page == "find":
        rounds = pd.read_csv(RESULTS / "find_ticket" / "rounds.csv")
        for _, rows in rounds.groupby(["model", "network", "round"]):
            for column in ("validation_accuracy", "test_accuracy"):
                yield 100 * rows[column].mean(), 100 * rows[column].std()
            if rows["minus_dense_test_points"].any():
                yield _mean_and_half(rows["minus_dense_test_points"])


@pytest.mark.parametrize("page", ["results", "first", "transfer", "rates", "find"])
def test_every_mean_with_its_spread_comes_from_the_tables(page):
    known = list(_halves(page))
    shown = [one for one in _HALF.findall(text_of(page)) if one not in WITHOUT_TABLE]
    assert [one for one in shown if not any(_is(one, each) for each in known)] == []
    assert len(shown) >= {"results": 10, "first": 40, "transfer": 30, "rates": 5, "find": 40}[page]


def test_the_grid_of_the_cnn_is_that_of_its_rows():
    text = PAGES["first"].read_text(encoding="utf-8")
    names = {
        "original": "original",
        "rewind to 1 epoch": "rewind:1ep",
        "rewind to the end": "rewind:end",
        "the mask with new weights": "reinit",
    }
    rows = re.findall(r"^\| (iterative|one-shot), ([\w ]+) \|(.*)\|$", text, re.MULTILINE)
    assert len(rows) == 8
    for method, init, cells in rows:
        label = names[init]
        method = method.replace("-", "_")
        label = "random" if (method, label) == ("one_shot", "reinit") else label
        for level, shown in zip(GRID, cells.split("|"), strict=True):
            numbers = tuple(shown.strip().split(" ± "))
            assert _is(numbers, _mean_and_half(cell("cnn", method, label, level))), (init, level)


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def test_sentences_with_other_numbers():
    text = text_of("first")
    _, low, high = t(cell("cnn", *TICKET, 0.832) - dense("cnn"), confidence=0.90)
    assert f"minus dense is {_signed(low)} to {_signed(high)}" in text
    labels = {"part": "control", "mask": "dense"}
    below = [(dense("cnn") - of(study("cnn"), level=x, **labels)).mean() for x in CONTROLLED]
    said = "lies {:.2f}, {:.2f} and {:.2f} points *below* the dense".format(*below)
    assert said in text
    labels = {"part": "control", "mask": "gradual"}
    below = [(dense("cnn") - of(study("cnn"), level=x, **labels)).mean() for x in CONTROLLED]
    assert "It lies {:.2f}, {:.2f} and {:.2f} points below dense".format(*below) in text
    higher = [gain("cnn", "ticket", level, above=0.01) for level in GRID if level != 0.59]
    means = [mean for mean, _, _ in higher]
    assert f"{_signed(min(means))} to {_signed(max(means))}" in text
    assert f"the widest interval goes to {_signed(max(high for _, _, high in higher))}" in text


def test_what_is_between_a_ticket_and_a_shuffled_mask():
    apart_ = [words("ticket", "shuffled", level).mean() for level in (0.832, 0.972)]
    text = text_of("results")
    assert f"of the {apart_[0]:.2f} points between the ticket and a shuffled mask" in text
    assert f"of {apart_[1]:.2f}." in text


def test_masks_share_what_the_transfer_says_they_share():
    (folder,) = (RESULTS / "transfer" / "cnn" / "data").iterdir()
    table = pd.read_csv(folder / "overlap.csv")
    whole = table[(table["tensor"] == "all") & np.isclose(table["level"], 0.832)]
    said = (
        f"Jaccard {whole['jaccard'].mean():.2f} at 83.2 %, {whole['chance'].mean():.2f} by chance"
    )
    assert said in text_of("transfer")
    own = pd.read_csv(RESULTS / "study_cnn" / "data" / "study_cnn" / "overlap.csv")
    own = own[(own["kind"] == "seeds") & (own["one"] == "iterative")]
    own = own[np.isclose(own["level"], 0.832)]
    assert f"two IMDB seeds share only {own['jaccard'].mean():.2f}" in text_of("transfer")


def holm(ps: list[float]) -> list[float]:
    """Holm's correction once more, by its definition."""
    order, highest, adjusted = np.argsort(ps), 0.0, [0.0] * len(ps)
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, ps[place] * (len(ps) - rank)))
        adjusted[place] = highest
    return adjusted


def test_no_cell_beats_dense_afterholms_correction():
    counted = {}
    for name in ("cnn", "lstm"):
        grid = study(name)[study(name)["part"] == "grid"]
        cells = grid.groupby(["method", "init", "level"])
        gains = {key: of(rows) - dense(name) for key, rows in cells}
        tests = {key: stats.ttest_1samp(one, 0) for key, one in gains.items()}
        # The family is the whole grid; of new weights nobody says that they are tickets.
        adjusted = dict(zip(tests, holm([one.pvalue for one in tests.values()]), strict=True))
        tickets = [key for key in tests if key[1] not in ("random", "reinit")]
        sure = [key for key in tickets if gains[key].mean() > 0 and adjusted[key] < 0.05]
        counted[name] = (len(sure), len(tickets))
    assert counted == {"cnn": (0, 30), "lstm": (0, 24)}
    assert "CNN 0 of 30, LSTM 0 of 24" in text_of("first")


def test_one_control_is_left_afterholms_correction():
    kinds = [
        ("one_shot", "random", "original"), ("iterative", "shuffled", "original"),
        ("iterative", "magnitude", "signs"), ("iterative", "head_pruned", "original"),
        ("gradual", "gradual", "fresh"), ("dense", "dense", "fresh"),
    ]  # fmt: skip
    ps = {}
    for method, mask, init in kinds:
        for level in CONTROLLED:
            labels = {"part": "control", "method": method, "mask": mask, "init": init}
            mine = of(study("cnn"), level=level, **labels)
            ticket = cell("cnn", *(SHOT if mask == "random" else TICKET), level)
            ps[mask, init, level] = stats.ttest_1samp(ticket - mine, 0).pvalue
    adjusted = dict(zip(ps, holm(list(ps.values())), strict=True))
    assert [key for key, p in adjusted.items() if p < 0.05] == [("random", "original", 0.972)]
    assert "one cell is above 0: the random mask at 97.2 %" in text_of("first")
