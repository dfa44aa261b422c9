"""A plugin, as a command and workers load it."""

from __future__ import annotations

import tflottery as tfl
from tests.own_networks import attention

tfl.register_architecture("attention")(attention)
