"""One training: masked weights in, metrics and snapshots out."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np
import tf_keras as keras

from tflottery import memory, steps
from tflottery.data import batches
from tflottery.data.encoded import Corpus, Encoded
from tflottery.errors import TrainingError
from tflottery.files import Arrays
from tflottery.metrics import scores_of
from tflottery.models import weights as named_weights
from tflottery.models.architecture import Architecture, Initializers
from tflottery.models.roles import Roles
from tflottery.pruning.gradual import Gradual
from tflottery.pruning.masked_model import masked_model
from tflottery.pruning.masks import Masks
from tflottery.pruning.moving.moves import Moves, Reads
from tflottery.pruning.slimming import Scales
from tflottery.training.callbacks import (
    EndAfter,
    KeepMoment,
    Measure,
    Report,
    RewindCapture,
    SetRate,
)
from tflottery.training.determinism import deterministic, require_plain_keras
from tflottery.training.listener import Listener
from tflottery.training.logits import KeepLogits
from tflottery.training.losses import accuracy, loss
from tflottery.training.moving import READERS, MoveMasks
from tflottery.training.optimizers import optimizer
from tflottery.training.pace import Pace
from tflottery.training.probe import Probe
from tflottery.training.rates import rate
from tflottery.training.settings import TrainingSeeds, TrainingSettings
from tflottery.training.trained import Trained

_EVALUATION_BATCH = 256
# What Keras itself reports of each validation.
_VALIDATED = ("val_loss", "val_accuracy")


class Trainer:
    """A compiled masked model that trains any number of runs, one after the other.

    Tracing and compiling take longer than an epoch of a small network, so runs that share an
    architecture and an optimizer share a trainer. Nothing of one run is left in the next.

    Args:
        architecture, vocabulary_size, classes: the network.
        settings: optimizer, epsilon and weight decay are compiled in; the rest comes with each run.
        gradual: how TF-MOT prunes during each training; without it, masks stay as they are.
        biases: whether biases have masks too.
        reads: what of its steps a training's moves may be told.
        scales: the units that have a scale that is trained along; by default none.
    """

    @deterministic()
    def __init__(
        self,
        architecture: Architecture,
        vocabulary_size: int,
        classes: int,
        settings: TrainingSettings,
        gradual: Gradual | None = None,
        biases: bool = False,
        reads: Reads = "nothing",
        scales: Scales | None = None,
    ) -> None:
        require_plain_keras()
        self.architecture = architecture
        self._vocabulary_size = vocabulary_size
        self._classes = classes
        self._gradual = gradual
        self._masked = masked_model(self._build(seed=0), gradual, biases, scales)
        self._model = self._masked.model
        self._optimizer = optimizer(settings)
        self._optimizer.build(self._model.trainable_variables)
        self._optimizer_start = [variable.numpy() for variable in self._optimizer.variables]
        self._model.compile(self._optimizer, loss(classes), metrics=[accuracy(classes)])
        self._logits = KeepLogits(self._model)
        self._reader = READERS[reads](self._masked) if reads != "nothing" else None

    def _build(self, seed: int) -> keras.Model:
        return self.architecture.build(self._vocabulary_size, self._classes, Initializers(seed))

    @property
    def roles(self) -> Roles:
        """The embedding and the head of the network."""
        return self.architecture.roles()

    @property
    def prunable(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the tensors that have a mask, by name."""
        return self._masked.prunable

    @property
    def held_dense(self) -> tuple[str, ...]:
        """The names of kernels and embeddings that have no mask, as those of frozen layers."""
        return self._masked.held_dense

    @deterministic()
    def fresh_weights(self, seed: int) -> Arrays:
        """Newly drawn weights, float32 arrays by tensor; the seed alone decides them."""
        return named_weights.get(self._build(seed))

    @deterministic()
    def train(
        self,
        corpus: Corpus,
        masks: Masks,
        weights: Mapping[str, np.ndarray],
        settings: TrainingSettings,
        random: TrainingSeeds,
        snapshots: Iterable[str] = (),
        listener: Listener | None = None,
        moves: Moves | None = None,
    ) -> Trained:
        """Trains from mask x weights, under a mask that stays as it is, moves, or is pruned
        gradually by TF-MOT.

        Args:
            corpus: encoded data; its test split is read once, at the end.
            masks: bool arrays for every prunable tensor.
            weights: float32 arrays for every tensor.
            settings: epochs, learning rates and early stopping.
            random: seeds of the data order and of dropout.
            snapshots: steps (see ``steps``) whose weights are kept, beside ``end``.
            listener: is called after each step and each validation, and before test data are read.
            moves: how the masks move; by default they do not.

        Raises:
            UserError: a snapshot lies beyond the last epoch.
            TrainingError: the loss is not finite, or the training stopped before a snapshot.
        """
        require_plain_keras()
        began = time.monotonic()
        pace = Pace.of(settings, corpus)
        moments = pace.moments(snapshots)
        self._begin(masks, weights, random)

        capture = RewindCapture(moments.values(), self._masked.weights)
        keeper = self._keeper(settings, pace, self._last_move(moves))
        mover = MoveMasks(self._masked, moves, self._reader) if moves else None
        callbacks = [
            SetRate(lambda step: rate(settings, step, pace.per_epoch)),
            *self._masked.callbacks(),
            *([mover] if mover else []),
            capture,
            self._logits,
            *self._measures(settings, corpus.validation),
            keeper,
            EndAfter(pace.total),
        ]
        if listener:
            callbacks.append(Report(listener, settings.epochs, pace.period, pace.per_epoch))
        history = pace.history(self._fit(corpus, settings, random, pace, callbacks))

        assert keeper.kept is not None
        final_weights, final_logits, final_scales = keeper.kept
        kept = {**_captured(capture, moments, history), steps.END: final_weights}
        final_masks = self._masked.masks()
        chosen = history[keeper.period - 1]
        if listener:
            listener.testing()
        test = self.evaluate(corpus.test, final_masks, final_weights)
        logits = {
            "validation": batches.in_rows(corpus.validation, final_logits),
            "test": batches.in_rows(corpus.test, self._logits.logits),
        }
        return Trained(
            masks=final_masks,
            metrics={
                **{name: chosen[name] for name in dict.fromkeys((*_VALIDATED, settings.monitor))},
                **{f"test_{name}": value for name, value in test.items()},
                "best_epoch": pace.epochs(chosen["step"]),
                "epochs": pace.epochs(history[-1]["step"]),
                "steps_per_epoch": pace.per_epoch,
            },
            history=history,
            snapshots={step: _plain_zeros(arrays) for step, arrays in kept.items()},
            seconds=time.monotonic() - began,
            logits=logits,
            labels={"validation": corpus.validation.labels, "test": corpus.test.labels},
            moves=mover.history if mover else {},
            scales=final_scales,
        )

    def _begin(
        self, masks: Masks, weights: Mapping[str, np.ndarray], random: TrainingSeeds
    ) -> None:
        """Sets everything that a training changes to its beginning."""
        self._masked.load(masks, weights)
        for variable, value in zip(self._optimizer.variables, self._optimizer_start, strict=True):
            variable.assign(value)
        self._masked.restart(random.dropout)
        self._model.stop_training = False
        if self._reader is not None:
            self._reader.restart()

    def _last_move(self, moves: Moves | None) -> int:
        """The optimizer step after which masks stay as they are; 0 where they always do."""
        if moves is not None:
            return moves.steps[-1]
        return self._gradual.last_update if self._gradual else 0

    def _keeper(
        self, settings: TrainingSettings, pace: Pace, last_move: int
    ) -> KeepMoment[tuple[Arrays, np.ndarray, Arrays]]:
        """Early stopping; before the last move of the masks, no weights count as the best."""
        return KeepMoment(
            settings.monitor,
            settings.metric.sign if settings.metric else -1,
            settings.patience * settings.validations_per_epoch,
            lambda: (self._masked.weights(), self._logits.logits, self._masked.scales()),
            first=max(1, math.ceil(last_move / pace.period)),
            in_all=settings.misses == "in_all",
            last=settings.keep == "last",
        )

    def _measures(self, settings: TrainingSettings, validation: Encoded) -> list[Measure]:
        """What measures the metric that is monitored, unless Keras does."""
        metric = settings.metric
        if metric is None or settings.monitor in _VALIDATED:
            return []

        def value() -> float | None:
            logits = batches.in_rows(validation, self._logits.logits)
            return metric(validation.labels, scores_of(logits))

        return [Measure(settings.monitor, value)]

    def _fit(
        self,
        corpus: Corpus,
        settings: TrainingSettings,
        random: TrainingSeeds,
        pace: Pace,
        callbacks: list[keras.callbacks.Callback],
    ) -> dict[str, list[float]]:
        """Losses and accuracies by name, a value for each validation."""
        data = batches.training_batches(corpus.train, settings.batch_size, random.order)
        with memory.told("out of memory; lower training.batch_size", TrainingError):
            fitted = self._model.fit(
                data,
                # Keras validates after each of its epochs, so these are one period long.
                epochs=settings.epochs * settings.validations_per_epoch,
                steps_per_epoch=pace.period,
                validation_data=batches.evaluation_batches(corpus.validation, _EVALUATION_BATCH),
                callbacks=callbacks,
                class_weight=self.class_weights(corpus.train, settings),
                verbose=0,
            )
        logs: dict[str, list[float]] = fitted.history
        return logs

    def class_weights(
        self, training: Encoded, settings: TrainingSettings
    ) -> dict[int, float] | None:
        """The weight of each class in the training loss; None for equal ones."""
        if settings.class_weight == "none":
            return None
        from sklearn.utils.class_weight import compute_class_weight

        there = np.unique(training.labels)
        weights = compute_class_weight(settings.class_weight, classes=there, y=training.labels)
        # Keras wants a weight of every class, also of one that no training text has.
        found = {int(one): float(weight) for one, weight in zip(there, weights, strict=True)}
        return {number: found.get(number, 1.0) for number in range(self._classes)}

    @cached_property
    @deterministic()
    def probe(self) -> Probe:
        """What differentiates the network: a plain one beside the masked one, with weights of its
        own, so that nothing of it is left in a training."""
        require_plain_keras()
        return Probe(self._build(seed=0), loss(self._classes))

    @deterministic()
    def evaluate(
        self, encoded: Encoded, masks: Masks, weights: Mapping[str, np.ndarray]
    ) -> dict[str, float]:
        """``loss`` and ``accuracy`` (a fraction) of mask x weights on some data.

        Args:
            encoded: texts with labels.
            masks: bool arrays for every prunable tensor.
            weights: float32 arrays for every tensor.
        """
        self._masked.load(masks, weights)
        results = self._model.evaluate(
            batches.evaluation_batches(encoded, _EVALUATION_BATCH),
            callbacks=[self._logits],
            verbose=0,
            return_dict=True,
        )
        return {name: float(value) for name, value in results.items()}

    def predict(
        self, encoded: Encoded, masks: Masks, weights: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        """float32 [texts, units]: the logits of mask x weights, one unit for two classes.

        Args: as of ``evaluate``.
        """
        self.evaluate(encoded, masks, weights)
        return batches.in_rows(encoded, self._logits.logits)


def _plain_zeros(arrays: Arrays) -> Arrays:
    """The same arrays with 0.0 for -0.0, which masks make of negative weights and which compresses
    badly."""
    return {name: array + array.dtype.type(0) for name, array in arrays.items()}


def _captured(
    capture: RewindCapture, moments: Mapping[str, int], history: list[dict[str, float]]
) -> dict[str, Arrays]:
    """The weights of each snapshot that was asked for.

    Raises:
        TrainingError: the training stopped before one of them.
    """
    missed = [step for step, moment in moments.items() if moment not in capture.captured]
    if missed:
        raise TrainingError(
            f"the training stopped after step {history[-1]['step']}, before the snapshot "
            f"{missed[0]}; ask for an earlier one or raise training.patience"
        )
    return {step: capture.captured[moment] for step, moment in moments.items()}
