"""What a training needs: its compiled model, and the arrays of its finished parents."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tflottery.data.encoded import Corpus
from tflottery.data.settings import DataSettings
from tflottery.errors import TrainingError
from tflottery.files import Arrays
from tflottery.models.roles import Roles
from tflottery.pruning.masks import Masks
from tflottery.pruning.moving.moves import Moves
from tflottery.runs.computed import OnTrainingData
from tflottery.runs.encoded import load_corpus
from tflottery.runs.footprint import Encoding, require_memory
from tflottery.runs.networks import CACHED, compiled
from tflottery.runs.run import Run
from tflottery.runs.specs import RunSpec
from tflottery.runs.store import Store
from tflottery.runs.vectors import begins_with_vectors, prepared, with_vectors
from tflottery.training.trainer import Trainer

_trainer = lru_cache(maxsize=CACHED)(Trainer)


def trainer_for(spec: RunSpec, corpus: Corpus) -> Trainer:
    """The trainer of a run: one that this process has kept, or one that is compiled now.

    Raises:
        UserError: this machine's memory cannot hold the network.
    """
    require_memory(spec.recipe, len(corpus.classes), Encoding.of(corpus))
    training = spec.recipe.training
    steps = training.epochs * corpus.train.steps_per_epoch(training.batch_size)
    return _trainer(
        spec.recipe.model,
        len(corpus.vocabulary),
        len(corpus.classes),
        compiled(training),
        spec.mask.gradual(steps, spec.recipe.model.roles()),
        spec.mask.biases,
        spec.mask.reads,
        spec.mask.scales(spec.recipe.model.unit_layers()),
    )


def moves_of(spec: RunSpec, corpus: Corpus) -> Moves | None:
    """How the masks of a run move while it trains; None if they stay as they are."""
    training = spec.recipe.training
    per_epoch = corpus.train.steps_per_epoch(training.batch_size)
    return spec.mask.moves(per_epoch, training.epochs, spec.recipe.model.roles())


def forget() -> None:
    """Drops the compiled models, so that the next run compiles its own."""
    _trainer.cache_clear()


class StoredAncestors:
    """The ``Ancestors`` of one run: arrays of its finished parents, from the store."""

    def __init__(self, store: Store, trainer: Trainer, corpus: Corpus) -> None:
        self._store = store
        self._trainer = trainer
        self._corpus = corpus

    @property
    def prunable(self) -> dict[str, tuple[int, ...]]:
        return self._trainer.prunable

    @property
    def roles(self) -> Roles:
        return self._trainer.roles

    def masks(self, run: RunSpec) -> Masks:
        return self._run(run).masks()

    def snapshot(self, run: RunSpec, step: str) -> Arrays:
        return self._run(run).snapshot(step)

    def scales(self, run: RunSpec) -> Arrays:
        return self._run(run).scales()

    def computed(self, run: RunSpec) -> OnTrainingData:
        corpus = load_corpus(run.recipe.data, self._store)
        return OnTrainingData(run, trainer_for(run, corpus), corpus)

    def _run(self, spec: RunSpec) -> Run:
        run = self._store.find(spec.key)
        if run is None:
            raise TrainingError(f"run {spec.key[:12]} was deleted while its children were made")
        return run

    def fresh_weights(self, seed: int) -> Arrays:
        drawn, model = self._trainer.fresh_weights(seed), self._trainer.architecture
        if begins_with_vectors(model):
            found = prepared(model, self._corpus, self._store)
            for name in self.roles.embedding:
                drawn[name] = with_vectors(drawn[name], model, found)
        return drawn

    def rows_in(self, data: DataSettings) -> np.ndarray:
        return self._corpus.vocabulary.rows_in(load_corpus(data, self._store).vocabulary)
