"""Help for tests that register things: all is as it was afterwards."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tflottery import plugins
from tflottery.data.reading.source import REGISTERED
from tflottery.metrics import METRICS
from tflottery.models.registry import ARCHITECTURES
from tflottery.pruning.criteria import CRITERIA


@contextmanager
def put_back() -> Iterator[None]:
    """Forgets what the block registers and which plugins it loads."""
    kept = [(one, dict(one)) for one in (METRICS, CRITERIA, REGISTERED, ARCHITECTURES)]
    loaded, modules, path = plugins._LOADED, set(sys.modules), list(sys.path)
    plugins._LOADED = plugins._Loaded()
    before = os.environ.get(plugins.SWITCH)
    try:
        yield
    finally:
        plugins._LOADED = loaded
        for one, values in kept:
            one.clear()
            one.update(values)
        for name in set(sys.modules) - modules:
            # Not what TensorFlow has imported meanwhile.
            file = getattr(sys.modules[name], "__file__", None) or ""
            if name.startswith(plugins._PREFIX) or "/pytest-of-" in file:
                del sys.modules[name]
        sys.path[:] = path
        if before is None:
            os.environ.pop(plugins.SWITCH, None)
        else:
            os.environ[plugins.SWITCH] = before
