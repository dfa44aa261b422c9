"""Wrapping a layer with TF-MOT, whichever layer it is."""

from __future__ import annotations

from functools import partial
from inspect import signature
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from tflottery.pruning.schedules import EachUse
from tflottery.pruning.tfmot import (
    PruneLowMagnitude,
    PruningSchedule,
    prune_low_magnitude,
    smart_cond,
)


def wrap(
    layer: keras.layers.Layer, weights: list[tf.Variable], schedule: PruningSchedule
) -> PruneLowMagnitude:
    """A wrapper that holds masks of some weights of a built layer.

    It is TF-MOT's own where that calls the layer as Keras would.

    Args:
        layer: of a functional model, which shows how it is called.
        weights: what has a mask.
        schedule: when masks are updated.
    """
    # TF-MOT asks a layer for its weights before it looks whether it knows its class.
    layer.get_prunable_weights = partial(list, weights)
    if len(layer._inbound_nodes) > 1:
        schedule = EachUse(schedule, len(layer._inbound_nodes))
    if _is_simple(layer):
        return prune_low_magnitude(layer, pruning_schedule=schedule)
    return MaskedLayer(layer, pruning_schedule=schedule)


def _is_simple(layer: keras.layers.Layer) -> bool:
    """Whether a layer does the same when ``call`` is called with one tensor, in place of the layer
    itself: it then neither reads nor gives Keras' implicit masks, and adds no loss."""
    tensors = [
        tensor for node in layer._inbound_nodes for tensor in tf.nest.flatten(node.outputs)
    ] + [tensor for node in layer._inbound_nodes for tensor in node.keras_inputs]
    return (
        getattr(layer, "activity_regularizer", None) is None
        and all(not tf.nest.is_nested(node.call_args[0]) for node in layer._inbound_nodes)
        and all(getattr(tensor, "_keras_mask", None) is None for tensor in tensors)
    )


class MaskedLayer(PruneLowMagnitude):
    """TF-MOT's wrapper for layers that it refuses, or calls in another way than Keras does: with
    several inputs, such as attention, or with implicit masks, as after
    ``Embedding(mask_zero=True)``."""

    def call(self, inputs: Any, *others: Any, **options: Any) -> Any:
        training = options.pop("training", None)
        if training is None:
            training = keras.backend.learning_phase()
        smart_cond(training, self._step, tf.no_op)
        self.pruning_obj.weight_mask_op()
        if "mask" in options and "mask" not in signature(self.layer.call).parameters:
            _attach(inputs, options.pop("mask"))
        # The layer itself finds out from the call around it whether this is training.
        return self.layer(inputs, *others, **options)

    def _step(self) -> tf.Operation:
        """What TF-MOT does in each training step: it counts the step and asks the schedule."""
        with tf.control_dependencies([self.pruning_step.assign_add(1)]):
            begun = tf.debugging.assert_greater_equal(
                self.pruning_step, np.int64(1), message=self._PRUNE_CALLBACK_ERROR_MSG
            )
        with tf.control_dependencies([begun] if begun is not None else []):
            self.pruning_obj.conditional_mask_update()
        return tf.no_op()


def _attach(tensors: Any, masks: Any) -> None:
    """Gives tensors Keras' implicit masks where they have lost them, as while a model is built."""
    for tensor, mask in zip(tf.nest.flatten(tensors), tf.nest.flatten(masks), strict=True):
        if getattr(tensor, "_keras_mask", None) is None:
            tensor._keras_mask = mask
