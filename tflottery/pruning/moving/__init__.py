"""Masks that move: how a mask changes within one training, decided in numpy."""
