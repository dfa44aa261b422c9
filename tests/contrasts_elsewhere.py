"""Networks of a transfer and of a search of learning rates, their tables, and contrasts between
them."""

from __future__ import annotations

import dataclasses
import datetime
import math
from pathlib import Path
from typing import Any

import pandas as pd

from tflottery.experiments import configuration
from tflottery.experiments.claims import contrasts, judging
from tflottery.experiments.claims.arms import RateArm, TransferArm
from tflottery.experiments.claims.contrast import Contrast, Contrasts
from tflottery.experiments.claims.found import Found
from tflottery.experiments.learning_rate.results import TuningTables
from tflottery.experiments.transfer.results import TransferTables
from tflottery.runs.recipes import recipe_to_tables, without_places

SHIPPED = {one.name: one for one in contrasts.load().current}
CHOSEN = configuration.load("study_cnn", {})
RECIPE = without_places(recipe_to_tables(CHOSEN.recipe))
PRUNING = dataclasses.asdict(CHOSEN.pruning)
RATES: dict[str, Any] = {**RECIPE, "pruning": PRUNING}
TARGET_DATA = {**RECIPE["data"], "dataset": "yelp_polarity", "fingerprint": "b" * 64}
MOVED: dict[str, Any] = {
    "source_data": {**RECIPE["data"], "fingerprint": "a" * 64},
    "target_data": TARGET_DATA,
    "model": RECIPE["model"],
    "source_training": RECIPE["training"],
    "target_training": RECIPE["training"],
    "pruning": {**PRUNING, "sparsity": 0.972},
}
TICKET, RAISED = RateArm("ticket", 0.01), RateArm("ticket", 0.02)
DENSE, DENSE_RAISED = RateArm("dense", 0.01), RateArm("dense", 0.02)
TARGET, SOURCE = TransferArm("dense", "fresh"), TransferArm("source", "source")
OWN, NEW = TransferArm("target", "target"), TransferArm("source", "reinit")


def contrast(first: Any, second: Any, asked: str = "above", **changes: Any) -> Contrast:
    experiment = "transfer" if isinstance(first, TransferArm) else "learning_rate"
    made = Contrast(
        "mine", "a-claim", "one − other", "study_cnn", "", "imdb", "test_accuracy", first, second,
        (0.832,), asked, (), (4, 5, 6), (4, 5, 6), datetime.date(2026, 11, 26), "", experiment,
        "yelp_polarity_sample" if experiment == "transfer" else "",
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def search(points: dict[tuple[RateArm, float], list[float]], **changes: Any) -> TuningTables:
    """A search whose seeds from 4 on have these test accuracies in %; ``None`` failed."""
    rows = [
        {
            "arm": arm.network, "level": level, "learning_rate": arm.learning_rate, "warmup": 0.3,
            "decay": "linear", "batch_size": 64, "dropout": 0.2, "stages": "", "seed": seed,
            "state": "failed" if value is None else "done",
            "test_accuracy": math.nan if value is None else value / 100,
            "trainings_behind": 1, "epochs_behind": 3.0, "epochs": 3.0, **changes,
        }
        for (arm, level), values in points.items()
        for seed, value in enumerate(values, 4)
    ]  # fmt: skip
    about = {"dataset": "imdb", "config": RATES, "found_learning_rate": 0.01}
    return TuningTables(Path("x"), about, (), (), None, pd.DataFrame(rows))


def moved(points: dict[tuple[TransferArm, float], list[float]], **changes: Any) -> TransferTables:
    rows = [
        {
            "mask": arm.mask, "init": arm.init, "level": level, "seed": seed, "state": "done",
            "test_accuracy": value / 100, "trainings_behind": 1,
        }
        for (arm, level), values in points.items()
        for seed, value in enumerate(values, 4)
    ]  # fmt: skip
    about = {
        "source": {"dataset": "imdb"}, "target": {"dataset": "yelp_polarity_sample"},
        "vocabulary": "reuse", "config": MOVED, **changes,
    }  # fmt: skip
    return TransferTables(Path("x"), about, (), (), pd.DataFrame(rows), pd.DataFrame())


def judge(found: Found, *asked: Contrast) -> list[judging.Judged]:
    named = tuple(dataclasses.replace(one, name=f"c{place}") for place, one in enumerate(asked))
    return judging.judge(Contrasts(named), found)


POINTS = {
    (RAISED, 0.832): [87.0, 87.5, 88.0],
    (TICKET, 0.832): [86.0, 87.0, 87.0],
    (DENSE_RAISED, 0.0): [88.25, 88.0, 87.75],
    (DENSE, 0.0): [88.0, 88.0, 88.0],
}
