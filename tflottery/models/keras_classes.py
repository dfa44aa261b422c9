"""Imports every class of this package that a saved Keras model may name, so that Keras finds them.

Keras looks for layers in the module that a file names, but for initializers and the like among the
classes that are registered already; one that is not stays a text.
"""

from tflottery.models.shipped import (  # noqa: F401
    attention,
    convolution,
    gated,
    initial,
    layers,
    recurrence,
)
