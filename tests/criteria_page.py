"""What docs/results/criteria/README.md states, from the committed tables once more, with pandas,
numpy and scipy alone.

``python -m tests.criteria_page`` prints its tables, and the last column of those of
docs/criteria.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from tests.recomputing import RESULTS, of, read, t, welch

Named = tuple[str, str, str]
"""When a network was pruned, by which mask, and from which weights it was trained."""
BEFORE, ONCE, ROUNDS = "at_init", "one_shot", "iterative"
WHEN = {BEFORE: "before training", ONCE: "one-shot", ROUNDS: "in rounds"}


@dataclass(frozen=True)
class Study:
    """A comparison of criteria. ``rows``: when each prunes, in order; ``levels``: the pruned
    fractions, ``checked`` that at which its checks were trained."""

    name: str
    seeds: range
    rows: Sequence[tuple[str, str]]
    levels: tuple[float, ...]
    checked: float

    @cached_property
    def cells(self) -> pd.DataFrame:
        return read(RESULTS / "criteria" / "data" / self.name / "cells.csv")

    def has(self, when: str, mask: str, init: str = "original") -> bool:
        return len(self._of(when, mask, init, self.checked)) > 0

    def arm(
        self, when: str, mask: str, init: str = "original", level: float | None = None
    ) -> pd.Series:
        """Test accuracy in points by seed, at the level of the checks unless another is named."""
        return self._points(self._of(when, mask, init, level or self.checked))

    @property
    def dense(self) -> pd.Series:
        return self._points(self.cells[self.cells["part"] == "dense"])

    @property
    def stretched(self) -> pd.Series:
        """Dense with one schedule over as many epochs as the rounds took in all."""
        cells = self.cells[self.cells["part"] == "control"]
        return self._points(cells[cells["mask"] == "dense"])

    def minus(self, first: Named, second: Named, level: float | None = None) -> pd.Series:
        return self.arm(*first, level=level) - self.arm(*second, level=level)

    def _of(self, when: str, mask: str, init: str, level: float) -> pd.DataFrame:
        rows = self.cells[(self.cells["part"] == "criterion") & (self.cells["method"] == when)]
        rows = rows[(rows["mask"] == mask) & (rows["init"] == init)]
        return rows[np.isclose(rows["level"], level)]

    def _points(self, rows: pd.DataFrame) -> pd.Series:
        assert sorted(rows["seed"]) == list(self.seeds) and rows["test_accuracy"].notna().all()
        return 100 * rows.set_index("seed")["test_accuracy"]


def _names(when: str, *names: str) -> list[tuple[str, str]]:
    return [(when, name) for name in names]


CNN = Study(
    "criteria_cnn",
    range(14, 19),
    [
        *_names(BEFORE, "random", "magnitude_at_init", "snip", "grasp", "synflow"),
        *_names(ONCE, "magnitude", "magnitude_increase", "movement", "taylor", "obd"),
        *_names(ROUNDS, "magnitude", "taylor"),
    ],
    (0.59, 0.832, 0.972),
    0.832,
)
GLOBAL = Study(
    "criteria_cnn_global",
    range(14, 19),
    [*_names(BEFORE, "snip", "grasp", "synflow"), (ONCE, "magnitude")],
    CNN.levels,
    CNN.checked,
)
ZHOU = Study(
    "criteria_cnn_zhou",
    range(14, 19),
    [
        (BEFORE, "small_magnitude_at_init"),
        *_names(ONCE, "small_magnitude", "large_throughout", "small_throughout"),
    ],
    CNN.levels,
    CNN.checked,
)
LSTM = Study(
    "criteria_lstm",
    range(14, 17),
    [one for one in CNN.rows if one[1] != "synflow"],
    CNN.levels,
    CNN.checked,
)
_ALL = ("filters", "geometric_median", "taylor_units", "activation_norm", "slimming")
UNITS = Study(
    "units_cnn",
    range(14, 19),
    [(BEFORE, "random_units"), *_names(ONCE, *_ALL), (ROUNDS, "filters")],
    (0.488, 0.738, 0.893),
    0.738,
)
SNIP, SYNFLOW = ((BEFORE, name, "original") for name in ("snip", "synflow"))
AT_ONCE, IN_ROUNDS = (ONCE, "magnitude", "original"), (ROUNDS, "magnitude", "original")
LONGER = (BEFORE, "snip", "original+24ep")
_MARGINS = (0.5, 0.25)
WEIGHTS_ASKED = {
    "Pruning at initialisation does as well": (("not worse",) * 2, (0.5,)),
    "A mask drawn at initialisation says how many weights a layer": (("equivalent",) * 2, _MARGINS),
    "It says how many weights each word": (("equivalent",) * 2, _MARGINS),
    "There is a better criterion than the size of a weight": (
        ("above, else equivalent",) * 2, _MARGINS
    ),
    "Pruning in rounds is worth its trainings": (("above, else equivalent",) * 2, _MARGINS),
}  # fmt: skip
"""Of each claim of single weights: what its contrasts ask, and the margins, the widest first."""
COMPETING_ASKED = {
    "Where layers compete, pruning at initialisation does": (("not worse",) * 2, (0.5,)),
    "Where layers compete, a mask drawn at": (("equivalent",) * 2, _MARGINS),
}
"""The same where all layers competed."""
LSTM_ASKED = {
    "In an LSTM pruning after training is better": (("above",), ()),
    "In an LSTM a mask says more": (("above",), ()),
    "In an LSTM pruning in rounds is better": (("above",), ()),
}
"""The same of the LSTM."""
CHECKS = {
    "shuffled within tensors": ":shuffled",
    "within words": ":shuffled_words",
    "new weights": "reinit",
    "lowest scores": ":inverted",
}


def signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def interval(differences: pd.Series) -> str:
    mean, low, high = t(differences)
    return f"{signed(mean)} [{signed(low)}, {signed(high)}]"


def apart(one: pd.Series, other: pd.Series) -> str:
    """The interval of a difference of two groups."""
    mean, low, high = welch(one, other)
    return f"{signed(mean)} [{signed(low)}, {signed(high)}]"


def mean_and_half(values: pd.Series) -> str:
    mean, low, _ = t(values)
    return f"{mean:.2f} ± {mean - low:.2f}"


def line(*columns: str) -> str:
    return "".join(f"| {column} " if column else "| " for column in columns) + "|"


def accuracies(study: Study) -> Iterator[str]:
    """A row for each criterion: test accuracy at every level."""
    for when, name in study.rows:
        shown = [mean_and_half(study.arm(when, name, level=level)) for level in study.levels]
        yield line(f"`{name}`, {WHEN[when]}", *shown)


def check(when: str, name: str, which: str) -> Named:
    """The network that a check trains."""
    if which.startswith(":"):
        return when, name + which, "original"
    return when, name, which


def checks(study: Study) -> Iterator[str]:
    """A row for each criterion: what its checks, as far as the study made them, gain over it."""
    made = {
        which: [row for row in study.rows if study.has(*check(*row, which))]
        for which in CHECKS.values()
    }
    kinds = [which for which, rows in made.items() if rows]
    for when, name in study.rows:
        ticket = (when, name, "original")
        shown = [
            interval(study.minus(check(when, name, which), ticket))
            if (when, name) in made[which] else ""
            for which in kinds
        ]  # fmt: skip
        if any(shown):
            yield line(f"`{name}`, {WHEN[when]}", *shown)


def longer(study: Study) -> Iterator[str]:
    """A row for each criterion whose networks were trained for as many epochs as the rounds."""
    for when, name in study.rows:
        for init in sorted({one for one in study.cells["init"] if one.startswith("original+")}):
            if study.has(when, name, init):
                mine, rounds = study.arm(when, name, init), study.arm(ROUNDS, "magnitude")
                others = (study.arm(when, name), rounds, study.stretched)
                shown = [interval(mine - one) for one in others]
                yield line(f"`{name}`, {WHEN[when]}", mean_and_half(mine), *shown)


def shuffled(study: Study, kind: str) -> list[pd.Series]:
    """What masks of SNIP and SynFlow gain by being shuffled, by seed."""
    return [study.minus((when, name + kind, init), (when, name, init))
            for when, name, init in (SNIP, SYNFLOW)]  # fmt: skip


def weights_asked() -> dict[str, list[pd.Series]]:
    """The differences by seed of each contrast of ``WEIGHTS_ASKED``."""
    better = [CNN.minus((ONCE, name, "original"), AT_ONCE) for name in ("taylor", "movement")]
    rounds = [CNN.minus(IN_ROUNDS, AT_ONCE, 0.972), CNN.minus(IN_ROUNDS, LONGER)]
    families = (
        [CNN.minus(one, AT_ONCE) for one in (SNIP, SYNFLOW)],
        shuffled(CNN, ":shuffled"),
        shuffled(CNN, ":shuffled_words"),
        better,
        rounds,
    )
    return dict(zip(WEIGHTS_ASKED, families, strict=True))


def asked_of_competing() -> dict[str, list[pd.Series]]:
    """The differences by seed of each contrast of ``COMPETING_ASKED``."""
    worse = [GLOBAL.minus(one, AT_ONCE) for one in (SNIP, SYNFLOW)]
    return dict(zip(COMPETING_ASKED, (worse, shuffled(GLOBAL, ":shuffled")), strict=True))


def asked_of_lstm() -> dict[str, list[pd.Series]]:
    """The differences by seed of each contrast of ``LSTM_ASKED``."""
    dealt = (ONCE, "magnitude:shuffled_words", "original")
    pairs = ((AT_ONCE, SNIP), (AT_ONCE, dealt), (IN_ROUNDS, AT_ONCE))
    return {claim: [LSTM.minus(*pair)] for claim, pair in zip(LSTM_ASKED, pairs, strict=True)}


def of_competing_layers() -> list[tuple[pd.Series, pd.Series]]:
    """What tickets gain over dense where layers compete, and where each loses as much, by seed: at
    97.2 % one-shot and in rounds, at 83.2 % in rounds."""

    def over_dense(name: str, method: str, level: float) -> pd.Series:
        cells = read(RESULTS / "criteria" / "data" / name / "cells.csv")
        assert sorted(set(cells["seed"])) == [*range(19, 24)]
        arm = {"part": "grid", "method": method, "mask": "magnitude", "init": "original"}
        return of(cells, level=level, **arm) - of(cells, part="dense")

    asked = ((ONCE, 0.972), (ROUNDS, 0.972), (ROUNDS, 0.832))
    names = ("study_cnn_global", "study_cnn")
    return [tuple(over_dense(name, *one) for name in names) for one in asked]


def gained(study: Study, usual: str) -> dict[str, str]:
    """What each criterion gains over the usual one, one-shot, at the level of the checks."""
    found = {}
    for when, name in study.rows:
        is_usual, is_once = name == usual, when != ROUNDS
        if is_usual != is_once:
            at = "in rounds " if is_usual else ""
            found[name] = at + interval(study.arm(when, name) - study.arm(ONCE, usual))
    return found


if __name__ == "__main__":
    for study in (CNN, ZHOU, GLOBAL, LSTM, UNITS):
        if (RESULTS / "criteria" / "data" / study.name).is_dir():
            print(f"\n{study.name}: dense {mean_and_half(study.dense)}\n")
            for rows in (accuracies, checks, longer):
                print(*rows(study), "", sep="\n")
            for name, what in gained(study, "filters" if study is UNITS else "magnitude").items():
                print(f"{name}: {what}")
