"""tflottery finds, studies, transfers and ships lottery tickets in Keras text classifiers.

The package is silent on import: nothing here loads TensorFlow until it is used.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tflottery.arithmetic import switch_on_onednn

# Both have to stand before TensorFlow is imported anywhere. TF-MOT works with tf_keras alone.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
switch_on_onednn()

if TYPE_CHECKING:
    from tflottery.tickets.ticket import Ticket, load_ticket

__version__ = "0.1.0"
__all__ = ["Ticket", "__version__", "load_ticket"]


def __getattr__(name: str) -> Any:
    if name in ("Ticket", "load_ticket"):
        from tflottery.tickets import ticket

        return getattr(ticket, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
