"""Runs: specs and their keys, the store, and how specs become finished runs."""
