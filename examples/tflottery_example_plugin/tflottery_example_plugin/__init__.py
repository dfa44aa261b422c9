"""A plugin of tflottery: importing it registers one of each kind."""

from tflottery_example_plugin import criteria, metrics, networks, sources

__all__ = ["criteria", "metrics", "networks", "sources"]
