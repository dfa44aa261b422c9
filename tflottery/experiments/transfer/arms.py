"""The networks of a transfer by name: a mask and weights. docs/transfer.md says what each is."""

MASKS = ("target", "source", "random", "shuffled")
INITS = ("target", "source", "source_late", "reinit")
DENSE_ARM = ("dense", "fresh")
TARGET_TICKET = ("target", "target")
# From the target's own ticket to chance; the last two differ from the one before them in one thing.
DEFAULT_ARMS = (
    ("target", "target"),
    ("source", "source"),
    ("source", "reinit"),
    ("random", "reinit"),
)
FULL_ARMS = tuple((mask, init) for mask in MASKS for init in INITS)
