"""What a training asks of its process, so that equal seeds give equal bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf
import tf_keras as keras

# TensorFlow switches determinism off only here.
from tensorflow.python.framework import config as tensorflow_config

from tflottery.errors import UserError


@contextmanager
def deterministic() -> Iterator[None]:
    """Has TensorFlow give the same bits for the same seeds, on the same machine, and leaves it
    afterwards as it was: whoever goes on in this process need not seed everything. On a CPU this
    costs nothing."""
    was_on = tensorflow_config.is_op_determinism_enabled()
    tf.config.experimental.enable_op_determinism()
    try:
        yield
    finally:
        if not was_on:
            tensorflow_config.disable_op_determinism()


def require_plain_keras() -> None:
    """Makes sure that this process has not changed how Keras computes, since no key says so.

    Raises:
        UserError: it has; the line says what to set back.
    """
    policy = keras.mixed_precision.global_policy().name
    for is_changed, what, mend in (
        (tf.config.functions_run_eagerly(), "runs functions eagerly",
         "tf.config.run_functions_eagerly(False)"),
        (keras.backend.floatx() != "float32", f"computes in {keras.backend.floatx()}",
         'tf_keras.backend.set_floatx("float32")'),
        (policy != "float32", f"has the policy {policy}",
         'tf_keras.mixed_precision.set_global_policy("float32")'),
    ):  # fmt: skip
        if is_changed:
            raise UserError(f"Keras {what} in this process, which changes results; first {mend}.")
