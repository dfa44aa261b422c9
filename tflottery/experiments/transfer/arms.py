"""The arms of a transfer: a mask and the weights that it begins with."""

from __future__ import annotations

MASKS = ("target", "source", "random", "shuffled")
INITS = ("target", "source", "source_late", "reinit")
# From the target's own ticket to chance; the last two differ from the one before them in one thing.
DEFAULT_ARMS = (
    ("target", "target"),
    ("source", "source"),
    ("source", "reinit"),
    ("random", "reinit"),
)
FULL_ARMS = tuple((mask, init) for mask in MASKS for init in INITS)
DENSE_ARM = ("dense", "fresh")
TARGET_TICKET = ("target", "target")
# Pairs of arms that differ in one factor; the gap between their accuracies is its effect.
GAINS = {
    "source_weights": (("source", "source"), ("source", "reinit")),
    "source_mask": (("source", "reinit"), ("random", "reinit")),
}
