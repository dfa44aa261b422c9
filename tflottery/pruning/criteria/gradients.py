"""Criteria that ask the network itself: gradients and second derivatives of its training loss.

In all formulas w are the weights that are left, g is the gradient of the mean loss over the first
batches of the run's own training data, H its Hessian.
"""

from __future__ import annotations

import numpy as np

from tflottery import steps
from tflottery.files import Arrays
from tflottery.pruning.context import PruningContext
from tflottery.pruning.criteria.registry import register_criterion

# Of a second derivative every text is differentiated by itself, so it sees fewer.
_FEW = 4
OF_FLOW = ("synflow",)
"""Criteria that mean nothing for networks with gates, attention or norms."""


@register_criterion("snip", at=steps.BEGINNING)
def snip(context: PruningContext) -> Arrays:
    """|g w| before training (Lee et al. 2019, arXiv 1810.02340): how far the loss moves when a
    connection is left out. The paper divides by the sum over all weights, which orders none of them
    anew."""
    return _sensitivity(context)


@register_criterion("grasp", at=steps.BEGINNING, signed=True)
def grasp(context: PruningContext) -> Arrays:
    """w (H g) before training (Wang et al. 2020, arXiv 2002.07376).

    Leaving out a weight changes the squared norm of the gradient by -2 w (H g) to first order. The
    paper's score is S = -w (H g), and it removes the weights with the highest S, without which the
    gradient would flow best; so those with the highest w (H g) are kept. g is of the tensors that
    have a mask: kernels and embeddings, as there, and biases where those are pruned too. Logits are
    not divided by a temperature.
    """
    slopes = context.gradients()
    along = {name: slopes[name] * mask for name, mask in context.masks.items()}
    curved = context.hessian_product(along)
    return {name: context.weights[name] * curved[name] for name in context.names}


@register_criterion("synflow", at=steps.BEGINNING, rounds=100)
def synflow(context: PruningContext) -> Arrays:
    """|w dR/dw| before training, where R is the sum of the logits of the network with |w| in place
    of w, for an input of ones (Tanaka et al. 2020, arXiv 2006.05467). No data are read; 100 rounds.

    The input of ones is that of the embedding, so that each word of a text is the mean of all its
    rows (their sum, over a constant that no order depends on). Biases are 0.
    """
    slopes = context.flow()
    return {name: np.abs(context.weights[name]) * slopes[name] for name in context.names}


@register_criterion("taylor")
def taylor(context: PruningContext) -> Arrays:
    """|g w| after training: the change of the mean loss to first order.

    Molchanov et al. (2017, arXiv 1611.06440, of feature maps) take the absolute value of each
    example's term before the mean; those of 2019 (arXiv 1906.10771, of weights too) square the term
    of each minibatch.
    """
    return _sensitivity(context)


@register_criterion("obd")
def obd(context: PruningContext) -> Arrays:
    """h w^2 / 2 after training (LeCun et al. 1990, Optimal Brain Damage): the change of the loss to
    second order at a minimum, with the diagonal of H alone.

    h is the Levenberg-Marquardt approximation of that diagonal, as in the paper: that of the
    Gauss-Newton matrix, which for cross-entropy is the Fisher information. It is computed exactly,
    over all labels and text by text, and not by the labels of the data.
    """
    curved = context.curvature(_FEW)
    return {name: curved[name] * np.square(context.weights[name]) / 2 for name in context.names}


def _sensitivity(context: PruningContext) -> Arrays:
    slopes = context.gradients()
    return {name: np.abs(slopes[name] * context.weights[name]) for name in context.names}
