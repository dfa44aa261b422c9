"""Building a network that a user's function makes: the same names and weights at every build."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import tensorflow as tf
import tf_keras as keras
from tensorflow.python.eager import context
from tf_keras.src import backend

from tflottery import seeds
from tflottery.models import weights as named_weights
from tflottery.models.brought.checking import as_functional, check_plain

__all__ = ["as_functional", "build_plain", "build_with_assigned", "check_plain", "isolated"]


@contextmanager
def isolated(seed: int) -> Iterator[None]:
    """Within it, layers get the automatic names of a fresh process, and everything random that has
    no seed of its own is drawn from ``seed``: Keras' initializers, and the global streams of
    Python, numpy and TensorFlow. Layers that draw while they train get streams that can begin anew
    (see ``streams``). Afterwards names and streams go on as if nothing had happened; only
    TensorFlow's ops without a seed begin where they once began.
    """
    names, observed = backend.PER_GRAPH_OBJECT_NAME_UIDS, backend.OBSERVED_NAMES
    names_before, observed_before = dict(names), set(observed)
    python, numpy_, tensorflow = random.getstate(), np.random.get_state(), context.context()
    keras_before = getattr(backend._SEED_GENERATOR, "generator", None)
    seed_before, stream_before = tensorflow._seed, getattr(tensorflow, "_rng", None)
    can_restart = backend.is_tf_random_generator_enabled()
    policy = keras.mixed_precision.global_policy()
    names.clear()
    observed.clear()
    backend.enable_tf_random_generator()
    random.seed(seeds.derive("build", seed, "python"))
    np.random.seed(seeds.derive("build", seed, "numpy"))
    backend._SEED_GENERATOR.generator = random.Random(seeds.derive("build", seed, "keras"))
    context.set_global_seed(seeds.derive("build", seed, "tensorflow"))
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(policy)
        if not can_restart:
            backend.disable_tf_random_generator()
        names.clear()
        names.update(names_before)
        observed.clear()
        observed.update(observed_before)
        random.setstate(python)
        np.random.set_state(numpy_)
        backend._SEED_GENERATOR.generator = keras_before
        context.set_global_seed(seed_before)
        if stream_before is not None:
            tensorflow._rng = stream_before


def build_plain(
    make: Callable[[], keras.Model],
    seed: int,
    *,
    vocabulary_size: int | None = None,
    classes: int | None = None,
) -> keras.Model:
    """A functional model that a function makes, with weights that the seed decides.

    Args:
        make: gives a plain functional or Sequential model of tf_keras.
        seed: decides all weights that the function does not set itself.
        vocabulary_size, classes: of the data, as in ``check_plain``.

    Raises:
        UserError: the model cannot be trained under masks; the line names the layer.
    """
    with isolated(seed):
        return check_plain(make(), vocabulary_size=vocabulary_size, classes=classes)


def build_with_assigned(
    make: Callable[[], keras.Model], seed: int, *, vocabulary_size: int, classes: int
) -> tuple[keras.Model, list[np.ndarray]]:
    """What ``build_plain`` gives, and which of its weights the function set itself.

    Returns:
        the model, and for each of its weights, in their order, a bool array of its shape: whether
        an element is no longer what the initializer gave.

    Raises:
        UserError: as ``build_plain``.
    """
    with isolated(seed), _first_values() as first:
        made = make()
        model = check_plain(made, vocabulary_size=vocabulary_size, classes=classes)
        # The checked model may be a copy, of other variables with the same names.
        assigned = {
            name: variable.numpy() != first[id(variable)]
            for name, variable in named_weights.variables(as_functional(made)).items()
        }
    names = {id(variable): name for name, variable in named_weights.variables(model).items()}
    return model, [assigned[names[id(variable)]] for variable in model.weights]


@contextmanager
def _first_values() -> Iterator[dict[int, np.ndarray]]:
    """The values that variables begin with which are made within it, by ``id``."""
    values: dict[int, np.ndarray] = {}
    made = []  # which keeps them, so that no two have one ``id``

    def creator(make: Callable[..., tf.Variable], **options: object) -> tf.Variable:
        variable = make(**options)
        made.append(variable)
        values[id(variable)] = variable.numpy().copy()
        return variable

    with tf.variable_creator_scope(creator):
        yield values
