"""The learning rate at each optimizer step: warm-up, then decay."""

from __future__ import annotations

import math

from tflottery.training.settings import TrainingSettings


def rate(settings: TrainingSettings, step: int, per_epoch: int) -> float:
    """The learning rate of a step.

    It rises linearly over ``warmup`` epochs (Goyal et al. 2017, arXiv 1706.02677), stays (``none``)
    or falls to zero after the last step, linearly or along half a cosine (Loshchilov and Hutter
    2017, arXiv 1608.03983).

    Args:
        settings: the highest rate, the warm-up, the decay and the number of epochs.
        step: the optimizer step, from 0.
        per_epoch: optimizer steps in one pass over the data.
    """
    rising = settings.warmup * per_epoch
    if step < rising:
        return settings.learning_rate * (step + 1) / (math.ceil(rising) + 1)
    done = (step - rising) / (settings.epochs * per_epoch - rising)
    shapes = {"none": 1.0, "linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2}
    return settings.learning_rate * shapes[settings.decay]
