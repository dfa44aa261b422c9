"""Training: one compiled model, its callbacks, its snapshots and metrics."""
