"""What a run's network computes of weights on that run's own training data, for criteria."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tflottery.data import batches
from tflottery.data.batches import WeighedBatch
from tflottery.data.encoded import Corpus
from tflottery.files import Arrays
from tflottery.pruning.context import Activations
from tflottery.runs.specs import RunSpec
from tflottery.training.determinism import deterministic
from tflottery.training.trainer import Trainer


class OnTrainingData:
    """The ``Computed`` of one run: its batches come in the order in which it was trained.

    Args:
        run: whose data, batch size, order and class weights count.
        trainer: of the run's network.
        corpus: the run's data.
    """

    def __init__(self, run: RunSpec, trainer: Trainer, corpus: Corpus) -> None:
        self._run = run
        self._trainer = trainer
        self._corpus = corpus

    @deterministic()
    def gradients(self, weights: Arrays, batches: int) -> Arrays:
        return self._trainer.probe.gradients(weights, self._batches(batches))

    @deterministic()
    def hessian_product(self, weights: Arrays, vector: Arrays, batches: int) -> Arrays:
        return self._trainer.probe.hessian_product(weights, vector, self._batches(batches))

    @deterministic()
    def curvature(self, weights: Arrays, batches: int) -> Arrays:
        return self._trainer.probe.curvature(weights, self._batches(batches, size=1))

    @deterministic()
    def flow(self, weights: Arrays) -> Arrays:
        return self._trainer.probe.flow(weights, self._trainer.roles.embedding)

    def activations(
        self, weights: Arrays, layers: Sequence[str], batches: int
    ) -> Iterator[dict[str, Activations]]:
        with deterministic():
            yield from self._trainer.probe.activations(weights, layers, self._batches(batches))

    def _batches(self, count: int, size: int | None = None) -> Iterator[WeighedBatch]:
        training = self._run.recipe.training
        return batches.first_batches(
            self._corpus.train,
            training.batch_size,
            self._run.seeds.order,
            count,
            self._trainer.class_weights(self._corpus.train, training),
            size,
        )
