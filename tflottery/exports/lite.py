"""The network as a TFLite file, for the comparison: from ids to scores, with a fixed batch size.

TFLite has no string operations, so the file takes ids. An LSTM's loop can be converted only if all
shapes are fixed.
"""

from __future__ import annotations

import tensorflow as tf

from tflottery.exports.network import Network
from tflottery.exports.saved_model import class_logits, score
from tflottery.models import weights as named_weights


def convert(network: Network, batch: int, *, int8: bool) -> bytes:
    """A TFLite file: ids int32 [batch, max_length] → ``score``, as in ``saved_model``.

    Args:
        network: what to convert.
        batch: the number of texts that one call takes.
        int8: store weights as int8 and compute with them where TFLite can (its dynamic range
            quantisation); activations stay float.
    """
    model = network.build()
    module = tf.Module()
    module.weights = named_weights.variables(model)

    @tf.function(input_signature=[tf.TensorSpec([batch, network.max_length], tf.int32, "ids")])
    def scored(ids: tf.Tensor) -> tf.Tensor:
        rows = ids if network.own_rows is None else tf.gather(tf.constant(network.rows), ids)
        return score(class_logits(model(rows, training=False), len(network.classes)))

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [scored.get_concrete_function()], module
    )
    if int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return bytes(converter.convert())
