"""Draws confusion.svg, and prints the tables of docs/metrics.md: a ticket on skewed reviews.

    python docs/figures/confusion.py

The reviews are drawn here, in three classes of which one is rare. Trains for a minute, in a folder
that is gone afterwards; the same picture at every call on the same kind of machine.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import matplotlib as mpl

import tflottery as tfl

SHARES = {"negative": 0.15, "mixed": 0.05, "positive": 0.80}
WORDS = {
    "negative": "dull slow flat poor cold weak".split(),
    "positive": "fine bright warm clever moving funny".split(),
}
OTHERS = "the film story cast score ending plot scene it was and with of a".split()
TEXTS = 4000


def reviews() -> tuple[list[str], list[str]]:
    """Texts and labels; a mixed one has words of both kinds, and every text has strays."""
    draw = random.Random(1)
    labels = draw.choices(list(SHARES), list(SHARES.values()), k=TEXTS)
    texts = []
    for label in labels:
        kinds = ["negative", "positive"] if label == "mixed" else [label]
        said = [draw.choice(WORDS[draw.choice(kinds)]) for _ in range(draw.randint(2, 4))]
        if draw.random() < 0.25:
            said.append(draw.choice(WORDS[draw.choice(["negative", "positive"])]))
        words = said + draw.choices(OTHERS, k=draw.randint(6, 14))
        draw.shuffle(words)
        texts.append(" ".join(words))
    return texts, labels


def main() -> None:
    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "tflottery"
    with tempfile.TemporaryDirectory() as folder:
        found = tfl.find_ticket(
            reviews(),
            sparsity=0.832,
            metric="macro_f1",
            set={
                "training.monitor": "val_macro_f1",
                "training.class_weight": "balanced",
                "training.epochs": 6,
                "training.patience": 3,
                "pruning.tolerance": 2,
                "model.embedding": 24,
                "model.filters": 16,
            },
            store=Path(folder) / "runs",
            output=Path(folder) / "tickets",
        )
        ax = found.plot_confusion()
        path = Path(__file__).with_name("confusion.svg")
        ax.figure.savefig(path, metadata={"Date": None})
        on_test = found.metrics[found.metrics["split"] == "test"]
        print(on_test.drop(columns=["seed", "split"]).round(3).to_string(index=False))
        classes = found.per_class
        chosen = (classes["split"] == "test") & (classes["network"] == on_test["network"].iloc[-2])
        print(classes[chosen].drop(columns=["seed", "split"]).round(3).to_string(index=False))
        print(found.sentence)


if __name__ == "__main__":
    main()
