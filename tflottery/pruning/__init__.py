"""Pruning: masks and criteria in numpy, and models that hold masks by TF-MOT's wrapper."""
