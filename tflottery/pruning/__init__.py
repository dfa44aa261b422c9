"""Pruning: masks and criteria in numpy, and TF-MOT's wrapper to carry them."""
