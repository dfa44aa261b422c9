"""Contrasts that were fixed before their seeds: their numbers, their outcomes, the seeds they
need."""
