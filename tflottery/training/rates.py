"""The learning rate at each optimizer step: warm-up, then decay."""

from __future__ import annotations

import math

from tflottery.training.settings import TrainingSettings

# The part of a schedule, after its warm-up, that its last rate is the mean of.
_LAST = 0.1


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


def last_rate(settings: TrainingSettings) -> float:
    """The low learning rate that a schedule ends with: its mean over the last tenth of what follows
    the warm-up, to three digits. A schedule that falls to zero has no last rate that trains; this
    is 5 % of the highest one for a line, 0.8 % for half a cosine, and the rate itself where it does
    not fall. Fine-tuning trains at it (Renda et al. 2020, arXiv 2003.02389).

    Args:
        settings: the highest rate and the decay.
    """
    shares = {
        "none": 1.0,
        "linear": _LAST / 2,
        "cosine": (1 - math.sin(math.pi * _LAST) / (math.pi * _LAST)) / 2,
    }
    return float(f"{settings.learning_rate * shares[settings.decay]:.3g}")
