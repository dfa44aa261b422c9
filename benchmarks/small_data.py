"""What the dense network learns from small data, beside TF-IDF with logistic regression.

    python -m benchmarks.small_data --dataset reviews.csv --seeds 3
    python -m benchmarks.small_data --dataset imdb --set data.train_size=2000 --seeds 3

The same split for all: networks by the settings' defaults and by those scaled to the data, over
seeds, and scikit-learn's defaults on the raw training texts. Validation chooses, test is read once.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

import tflottery as tfl
from tflottery import metrics
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings
from tflottery.data.splitting import divide
from tflottery.data.words.duplicates import groups_of
from tflottery.runs.encoded import load_corpus
from tflottery.runs.realise import Realiser

SHOWN = ("accuracy", "macro_f1")
SPLITS = ("train", "validation", "test")
Texts = tuple[list[str], np.ndarray]


def texts_of(settings: DataSettings) -> dict[str, Texts]:
    """Raw texts and int labels [texts] of each split, divided as the networks' are."""
    source = sources.open_source(settings)
    given = {split: _listed(source.examples(split)) for split in source.splits}
    texts, labels = given["train"]
    groups = groups_of(text.encode() for text in texts) if settings.division != 1 else None
    rows = divide(labels, tuple(given), settings, source.classes, groups)

    def part(chosen: np.ndarray) -> Texts:
        return [texts[row] for row in chosen], labels[chosen]

    return {
        "train": part(rows.train),
        "validation": given["validation"] if rows.validation is None else part(rows.validation),
        "test": given["test"] if rows.test is None else part(rows.test),
    }


def _listed(examples: object) -> Texts:
    texts, labels = zip(*examples, strict=True)  # type: ignore[call-overload]
    return [text.decode() for text in texts], np.array(labels)


def by_regression(parts: dict[str, Texts], class_weight: str | None) -> dict[str, list[float]]:
    """``SHOWN`` of each held-out split, by TF-IDF and logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    regression = LogisticRegression(class_weight=class_weight, max_iter=1_000)
    fitted = make_pipeline(TfidfVectorizer(), regression).fit(*parts["train"])
    return {
        split: _shown(parts[split][1], fitted.predict_proba(parts[split][0]))
        for split in SPLITS[1:]
    }


def by_network(planned: tfl.PlannedSearch) -> dict[str, list[float]]:
    """The same of the dense network, over the seeds' means."""
    specs = [plan.dense for plan in planned.plans]
    realise = Realiser(planned.store, specs)
    rows: dict[str, list[list[float]]] = {split: [] for split in SPLITS[1:]}
    for spec in specs:
        for split, made in realise.predictions(spec).items():
            rows[split].append(_shown(made.labels, made.scores))
    for split, values in rows.items():
        for name, of_seeds in zip(SHOWN, zip(*values, strict=True), strict=True):
            print(f"  {split} {name}: {', '.join(f'{100 * one:.1f}' for one in of_seeds)}")
    return {split: np.mean(values, axis=0).tolist() for split, values in rows.items()}


def _shown(labels: np.ndarray, scores: np.ndarray) -> list[float]:
    found = metrics.evaluate(labels, scores)
    return [found[name] or 0.0 for name in SHOWN]


def main(argv: Sequence[str] | None = None) -> None:
    """Prints a row for each network and each regression."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dataset", default="imdb")
    parser.add_argument("--data_dir")
    parser.add_argument("--model", default="cnn")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--config", action="append", help="defaults and scaled where left out")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--store", default="runs")
    given = parser.parse_args(argv)
    rows, settings, store = {}, None, tfl.Store(given.store)
    for config in given.config or ("defaults", "scaled"):
        planned = tfl.find_ticket(
            given.dataset, data_dir=given.data_dir, model=given.model, config=config, set=given.set,
            seeds=given.seeds, store=store, dry_run=True,
        )  # fmt: skip
        settings = planned.plans[0].dense.recipe.data
        rows[f"{given.model}, {config}"] = by_network(planned)
    assert settings is not None
    parts, corpus = texts_of(settings), load_corpus(settings, store)
    for split, (_, labels) in parts.items():
        assert np.array_equal(labels, getattr(corpus, split).labels), f"another {split}"
    rows["TF-IDF + regression"] = by_regression(parts, None)
    rows["the same, balanced"] = by_regression(parts, "balanced")
    print(f"{[len(parts[split][1]) for split in SPLITS]} texts to train, validate and test on")
    for name, values in rows.items():
        figures = [f"{100 * one:.1f}" for split in SPLITS[1:] for one in values[split]]
        print(f"| {name} | {' | '.join(figures)} |")


if __name__ == "__main__":
    main()
