"""What a training takes at least of a machine's memory, counted before anything is built.

The counts are lower bounds, so that nothing is refused that could have been trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from tflottery import memory
from tflottery.data.encoded import Corpus
from tflottery.data.findings import Findings
from tflottery.errors import UserError
from tflottery.models.shapes import Shaped, Shapes
from tflottery.runs.recipes import Recipe

# Four float32 of each weight: itself, its mask, what it began with, and the best so far.
_OF_A_WEIGHT = 4 * 4
# Means that an optimizer keeps of each weight, and their beginning, which every run begins with.
_OF_A_MEAN = 2 * 4
_MEANS = {"adam": 2, "rmsprop": 1, "sgd": 0}
# The vector of each word of a batch, as float32, and its gradient.
_OF_A_NUMBER = 2 * 4


@dataclass(frozen=True)
class Encoding:
    """How large encoded data are: ``vocabulary`` in ids, ``texts`` to train on, and the words that
    are read of the ``longest`` of them. By default as small as data can be, which are not encoded
    yet: two ids that are no words, a word, a text of it."""

    vocabulary: int = 3
    texts: int = 1
    longest: int = 1

    @classmethod
    def of(cls, corpus: Corpus) -> Encoding:
        lengths = corpus.train.lengths
        longest = int(lengths.max()) if len(lengths) else 0
        return cls(len(corpus.vocabulary), len(lengths), longest)

    @classmethod
    def found(cls, findings: Findings) -> Encoding:
        train = findings.splits["train"]
        longest = min(train.longest, findings.max_length)
        return cls(findings.vocabulary, train.texts, longest)


_UNKNOWN = Encoding()


def require_memory(recipe: Recipe, classes: int, encoding: Encoding = _UNKNOWN) -> None:
    """Makes sure that this machine can hold a network and its largest batch.

    Args:
        recipe: data, network and training. Of a network of somebody's own nothing is known.
        classes: of the data.
        encoding: of the data.

    Raises:
        UserError: it cannot; the line says what is largest.
    """
    limit = memory.whole()
    if limit is None or not isinstance(recipe.model, Shaped):
        return
    each = _OF_A_WEIGHT + _OF_A_MEAN * _MEANS[recipe.training.optimizer]
    _require_weights(recipe.model.shapes(encoding.vocabulary, classes), each, limit)
    _require_batch(recipe, encoding, limit)


def _require_weights(shapes: Shapes, each: int, limit: int) -> None:
    weights = {name: prod(shape) for name, shape in shapes.items()}
    needed = each * sum(weights.values())
    if needed <= limit:
        return
    largest = max(weights, key=lambda name: weights[name])
    shape = " x ".join(f"{size:,}" for size in shapes[largest])
    raise UserError(
        f"Training {sum(weights.values()):,} weights takes at least {memory.in_words(needed)} of "
        f"memory, and this machine has {memory.in_words(limit)}; the largest tensor is {largest} "
        f"[{shape}]. Choose smaller sizes (--set model.…, data.vocabulary_size)."
    )


def _require_batch(recipe: Recipe, encoding: Encoding, limit: int) -> None:
    texts, longest = min(recipe.training.batch_size, encoding.texts), encoding.longest
    size = int(getattr(recipe.model, "embedding", 1))
    needed = _OF_A_NUMBER * texts * longest * size
    if needed > limit:
        raise UserError(
            f"A batch of {texts:,} texts of up to {longest:,} words, with vectors of {size:,} "
            f"numbers, takes at least {memory.in_words(needed)} of memory, and this machine has "
            f"{memory.in_words(limit)}. Lower training.batch_size or data.max_length."
        )
