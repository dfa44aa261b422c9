"""Keras' optimizers, and an Adam that reads and writes each weight once a step."""

from __future__ import annotations

import tensorflow as tf
import tf_keras as keras

from tflottery.training.settings import TrainingSettings


def optimizer(settings: TrainingSettings) -> keras.optimizers.Optimizer:
    """The optimizer that the settings name; weight decay leaves biases and norms out."""
    options: dict[str, float | None] = {"weight_decay": settings.weight_decay or None}
    if settings.optimizer != "sgd":
        options["epsilon"] = settings.epsilon
    kinds = {
        "adam": FusedAdam,
        "rmsprop": keras.optimizers.RMSprop,
        "sgd": keras.optimizers.SGD,
    }
    made = kinds[settings.optimizer](settings.learning_rate, **options)
    if settings.weight_decay:
        made.exclude_from_weight_decay(var_names=["bias", r"/(gamma|beta)\b"])
    return made


# Where Keras' optimizers keep what they remember of each weight: lists with a variable a weight, or
# none.
_MEMORIES = ("_momentums", "_velocities", "_average_gradients", "momentums")


def slots(optimizer: keras.optimizers.Optimizer, variable: tf.Variable) -> list[tf.Variable]:
    """What a built optimizer remembers of a variable, one number a weight each: moments of Adam and
    RMSprop, momentum of SGD where it has one."""
    number = optimizer._index_dict[optimizer._var_key(variable)]
    memories = [getattr(optimizer, name, None) for name in _MEMORIES]
    return [memory[number] for memory in memories if memory]


class FusedAdam(keras.optimizers.Adam):
    """``keras.optimizers.Adam`` (Kingma and Ba 2015, arXiv 1412.6980) with its update in one op,
    which passes over an embedding once instead of a dozen times."""

    def update_step(self, gradient: tf.Tensor | tf.IndexedSlices, variable: tf.Variable) -> None:
        number = self._index_dict[self._var_key(variable)]
        steps = tf.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[number].handle,
            v=self._velocities[number].handle,
            beta1_power=tf.pow(tf.cast(self.beta_1, variable.dtype), steps),
            beta2_power=tf.pow(tf.cast(self.beta_2, variable.dtype), steps),
            lr=tf.cast(self.learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.convert_to_tensor(gradient),
        )
