"""The versions of software that every result file records."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata

__version__ = "0.2.0"
_PACKAGES = (
    "tensorflow",
    "tf_keras",
    "tensorflow-model-optimization",
    "tensorflow-datasets",
    "keras-tuner",
    "numpy",
)


@cache
def versions() -> dict[str, str]:
    """Versions by name: of tflottery, Python and the packages that can change a number."""
    found = {name: metadata.version(name) for name in _PACKAGES}
    return {"tflottery": __version__, "python": platform.python_version(), **found}
