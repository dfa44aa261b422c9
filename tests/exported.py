"""Tickets with drawn weights, and their exports, for tests of exports."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.conftest import SMALL, is_prunable
from tflottery.data.encoded import Corpus, Encoded
from tflottery.data.settings import DataSettings
from tflottery.data.words.unigrams import Unigrams
from tflottery.data.words.vocabulary import Vocabulary
from tflottery.models import weights
from tflottery.models.architecture import Architecture, Initializers
from tflottery.pruning import masks
from tflottery.runs.recipes import Recipe
from tflottery.tickets.folder import write_ticket
from tflottery.tickets.ticket import Ticket, load_ticket
from tflottery.training.settings import TrainingSettings

WORDS = "a film i would gladly see again dull and flat bland good not ! ? 영화였다 좋은".split()
VOCABULARY = Vocabulary(("[PAD]", "[UNK]", *WORDS))
CLASSES = ("negative", "positive")


def drawn_texts(random: np.random.Generator, count: int) -> Encoded:
    """Texts of up to 12 words, and labels of two classes."""
    lengths = random.integers(1, 13, count)
    return Encoded(
        random.integers(1, len(VOCABULARY), lengths.sum()).astype(np.int32),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        random.integers(0, 2, count).astype(np.int32),
    )


_RANDOM = np.random.default_rng(3)
TEXTS = drawn_texts(_RANDOM, 40)
EXAMPLES = _RANDOM.integers(0, len(VOCABULARY), (30, 12)).astype(np.int32)
CORPUS = Corpus(
    "toy", TEXTS, TEXTS, TEXTS, VOCABULARY, Unigrams((), np.zeros(0, np.int64)), CLASSES
)
ABOUT = {
    "dataset": "toy", "method": "iterative", "rate": 0.2, "init": "original", "scope": "layerwise",
    "criterion": "magnitude", "embedding": True, "tolerance": 0.5, "seed": 1,
    "verdict": "winning ticket", "run_key": "k", "dense_run_key": "d",
    "dense_test_accuracy": 0.8725, "ticket_test_accuracy": 0.875, "reinit_test_accuracy": 0.85,
    "dense_validation_accuracy": 0.871, "ticket_validation_accuracy": 0.872,
    "reinit_validation_accuracy": 0.851,
}  # fmt: skip


@cache
def _shapes(model: Architecture, classes: int) -> dict[str, tuple[int, ...]]:
    built = model.build(len(VOCABULARY), classes, Initializers(0))
    return {name: weight.shape for name, weight in weights.get(built).items()}


def drawn(model: Architecture, classes: int = 2) -> dict[str, np.ndarray]:
    """Weights and biases so large that the scores of texts differ clearly."""
    # With these seeds, every class is the likeliest one of some text.
    seeds = {"gru": 14, "transformer": 7}
    random = np.random.default_rng(seeds.get(model.name, 37) if classes == 2 else 27)
    return {
        name: random.normal(0, 0.6, shape).astype(np.float32)
        for name, shape in _shapes(model, classes).items()
    }


def make_ticket(
    folder: Path,
    model: str,
    classes: tuple[str, ...] = CLASSES,
    mask: masks.Masks | None = None,
    sparsity: float = 0.6,
    vocabulary: Vocabulary = VOCABULARY,
    network: Architecture | None = None,
    **data: Any,
) -> Ticket:
    """A ticket of a small network whose trained weights are drawn; by default so is its mask.
    ``vocabulary`` is as large as the usual one, ``network`` another than the small one of that
    name, ``data`` are settings of the data."""
    network = network or SMALL[model]
    final = drawn(network, len(classes))
    if mask is None:
        random = np.random.default_rng(0)
        mask = {
            name: random.random(weight.shape) >= sparsity
            for name, weight in final.items()
            if is_prunable(name)
        }
    recipe = Recipe(
        DataSettings(dataset="toy", vocabulary_size=len(VOCABULARY), max_length=12, **data),
        network,
        TrainingSettings(),
    )
    about = {**ABOUT, "model": model}
    written = write_ticket(
        folder, about, recipe, classes, vocabulary, mask, final, masks.apply(mask, final)
    )
    return load_ticket(written)


def save_unchecked(ticket: Ticket, base: Path) -> Path:
    """Writes the first version of a model as it is published, without what a server needs and
    without the checks in a fresh process; returns the model's folder."""
    from tflottery.exports import network, saved_model

    saved_model.save(network.of_ticket(ticket), ticket.vocabulary, base / "1")
    return base
