"""One training: masked weights in, metrics and snapshots out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

import numpy as np
import tensorflow as tf
import tf_keras as keras

from tflottery import seeds
from tflottery.data import batches
from tflottery.data.corpus import Corpus, Encoded
from tflottery.errors import TrainingError, UserError
from tflottery.files import Arrays
from tflottery.models import weights as named_weights
from tflottery.models.architecture import Architecture, Initializers
from tflottery.models.layers import SeededDropout
from tflottery.pruning.gradual import Gradual
from tflottery.pruning.masked_model import MaskedModel
from tflottery.pruning.masks import Masks
from tflottery.pruning.schedules import polynomial
from tflottery.training import steps
from tflottery.training.callbacks import EndAfter, KeepBest, Report, RewindCapture, SetRate
from tflottery.training.listener import Listener
from tflottery.training.optimizers import optimizer
from tflottery.training.rates import rate
from tflottery.training.settings import TrainingSeeds, TrainingSettings
from tflottery.training.trained import Trained

_EVALUATION_BATCH = 256
_VALIDATION_METRICS = ("val_loss", "val_accuracy")


class Trainer:
    """A compiled model, carried by TF-MOT, that trains any number of runs one after the other.

    Tracing and compiling cost more than an epoch of a small network, so runs that share an
    architecture and an optimizer share a trainer; nothing of one run is left in the next.

    Args:
        architecture, vocabulary_size, classes: the network.
        settings: optimizer, epsilon and weight decay are compiled in; the rest comes with each run.
        gradual: TF-MOT prunes within the training; without it, masks hold.
    """

    def __init__(
        self,
        architecture: Architecture,
        vocabulary_size: int,
        classes: int,
        settings: TrainingSettings,
        gradual: Gradual | None = None,
    ) -> None:
        make_deterministic()
        self._architecture = architecture
        self._vocabulary_size = vocabulary_size
        self._classes = classes
        self._gradual = gradual
        self._masked = (
            MaskedModel(self._build(seed=0), polynomial(gradual), gradual.exclude)
            if gradual
            else MaskedModel(self._build(seed=0))
        )
        self._model = self._masked.model
        self._optimizer = optimizer(settings)
        self._optimizer.build(self._model.trainable_variables)
        self._optimizer_start = [variable.numpy() for variable in self._optimizer.variables]
        self._model.compile(self._optimizer, loss(classes), metrics=[accuracy(classes)])

    def _build(self, seed: int) -> keras.Model:
        return self._architecture.build(self._vocabulary_size, self._classes, Initializers(seed))

    @property
    def prunable(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the tensors that have a mask, by name."""
        return self._masked.prunable

    def fresh_weights(self, seed: int) -> Arrays:
        """Newly drawn weights; the seed alone decides them."""
        return named_weights.get(self._build(seed))

    def train(
        self,
        corpus: Corpus,
        masks: Masks,
        weights: Mapping[str, np.ndarray],
        settings: TrainingSettings,
        random: TrainingSeeds,
        snapshots: Iterable[str] = (),
        listener: Listener | None = None,
    ) -> Trained:
        """Trains from mask x weights under a mask that holds at every step (or grows gradually).

        Args:
            corpus: encoded data; its test split is read once, at the end.
            masks: bool arrays for every prunable tensor.
            weights: float32 arrays for every trainable tensor.
            settings: epochs, rates and stopping.
            random: the seeds.
            snapshots: steps whose weights to keep beside ``end``.
            listener: is told how it goes on.

        Raises:
            UserError: a snapshot lies beyond the last epoch.
            TrainingError: the loss is not finite, or the training stopped before a snapshot.
        """
        began = time.monotonic()
        per_epoch = corpus.train.steps_per_epoch(settings.batch_size)
        # Keras validates after each of its epochs; ours are a part of the data long.
        period = -(-per_epoch // settings.validations_per_epoch)
        total = per_epoch * settings.epochs
        moments = _moments(snapshots, per_epoch, settings.epochs)
        self._begin(masks, weights, random)

        capture = RewindCapture(moments.values(), self._masked.weights)
        best = KeepBest(
            settings.monitor,
            settings.patience * settings.validations_per_epoch,
            self._masked.weights,
            first=-(-self._gradual.last_update // period) if self._gradual else 1,
        )
        follow = SetRate(lambda step: rate(settings, step, per_epoch))
        callbacks = [follow, *self._masked.callbacks(), capture, best, EndAfter(total)]
        if listener:
            callbacks.append(Report(listener, settings.epochs, period, per_epoch))
        logs = self._fit(
            batches.training_batches(corpus.train, settings.batch_size, random.order),
            epochs=settings.epochs * settings.validations_per_epoch,
            steps_per_epoch=period,
            validation_data=batches.evaluation_batches(corpus.validation, _EVALUATION_BATCH),
            callbacks=callbacks,
        )
        history = [
            {"step": min(period * number, total), **dict(zip(logs, values, strict=True))}
            for number, values in enumerate(zip(*logs.values(), strict=True), start=1)
        ]

        kept = {step: capture.captured.get(moment) for step, moment in moments.items()}
        missed = [step for step, arrays in kept.items() if arrays is None]
        if missed:
            raise TrainingError(
                f"the training stopped after step {history[-1]['step']}, before the snapshot "
                f"{missed[0]}; ask for an earlier one or raise training.patience"
            )
        kept[steps.END] = best.best
        masks = self._masked.masks()
        chosen = history[best.best_period - 1]
        test = self.evaluate(corpus.test, masks, best.best)
        return Trained(
            masks=masks,
            metrics={
                **{name: chosen[name] for name in _VALIDATION_METRICS},
                **{f"test_{name}": value for name, value in test.items()},
                "best_epoch": _epochs(chosen["step"], per_epoch),
                "epochs": _epochs(history[-1]["step"], per_epoch),
                "steps_per_epoch": per_epoch,
            },
            history=history,
            snapshots={step: _plain_zeros(arrays) for step, arrays in kept.items() if arrays},
            seconds=time.monotonic() - began,
        )

    def _begin(
        self,
        masks: Masks,
        weights: Mapping[str, np.ndarray],
        random: TrainingSeeds,
    ) -> None:
        self._masked.load(masks, weights)
        for variable, value in zip(self._optimizer.variables, self._optimizer_start, strict=True):
            variable.assign(value)
        for layer in self._model.layers:
            if isinstance(layer, SeededDropout):
                layer.reseed(seeds.derive("dropout", random.dropout, layer.name))
        self._model.stop_training = False

    def _fit(self, data: tf.data.Dataset, **options: object) -> dict[str, list[float]]:
        try:
            history: dict[str, list[float]] = self._model.fit(data, verbose=0, **options).history
        except (MemoryError, tf.errors.ResourceExhaustedError) as error:
            raise TrainingError("out of memory; lower training.batch_size") from error
        return history

    def evaluate(
        self, encoded: Encoded, masks: Masks, weights: Mapping[str, np.ndarray]
    ) -> dict[str, float]:
        """``loss`` and ``accuracy`` of mask x weights on some data."""
        self._masked.load(masks, weights)
        results = self._model.evaluate(
            batches.evaluation_batches(encoded, _EVALUATION_BATCH), verbose=0, return_dict=True
        )
        return {name: float(value) for name, value in results.items()}


def _plain_zeros(arrays: Arrays) -> Arrays:
    """Without the -0.0 that multiplying negative weights by a mask leaves: it compresses badly."""
    return {name: array + np.float32(0) for name, array in arrays.items()}


def _epochs(step: float, per_epoch: int) -> float:
    """Passes over the data; a whole number where it is one."""
    passes = round(step / per_epoch, 4)
    return int(passes) if passes.is_integer() else passes


def _moments(snapshots: Iterable[str], per_epoch: int, epochs: int) -> dict[str, int]:
    moments = {step: steps.iteration(step, per_epoch) for step in snapshots if step != steps.END}
    for step, moment in moments.items():
        if moment > per_epoch * epochs:
            raise UserError(
                f"The step {step} lies beyond the training ({epochs} epochs of {per_epoch} "
                "steps); choose an earlier one."
            )
    return moments


def loss(classes: int) -> keras.losses.Loss:
    """Cross-entropy on logits, of the form that the head of that many classes has."""
    if classes == 2:
        return keras.losses.BinaryCrossentropy(from_logits=True, name="loss")
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True, name="loss")


def accuracy(classes: int) -> keras.metrics.Metric:
    """The fraction of texts whose class has the highest logit."""
    if classes == 2:
        return keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")
    return keras.metrics.SparseCategoricalAccuracy(name="accuracy")


def make_deterministic() -> None:
    """The same seeds give the same bits on the same machine; on a CPU this costs nothing."""
    tf.config.experimental.enable_op_determinism()
