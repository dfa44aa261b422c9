"""Architectures: plain Keras models, one file each."""
