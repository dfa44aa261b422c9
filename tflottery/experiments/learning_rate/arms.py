"""The networks of a search by name. docs/learning_rates.md says what each is."""

DENSE, TICKET, REINIT, LATE = "dense", "ticket", "reinit", "late"
# The pruned ones.
ARMS = (TICKET, REINIT, LATE)
