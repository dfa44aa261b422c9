"""The encoded data of runs."""

from __future__ import annotations

from functools import lru_cache

from tflottery.data import inspection
from tflottery.data.corpus import Corpus
from tflottery.data.settings import DataSettings
from tflottery.runs.networks import CACHED
from tflottery.runs.store import Store

_load = lru_cache(maxsize=CACHED)(inspection.load)


def load_corpus(settings: DataSettings, store: Store) -> Corpus:
    """The encoded data of a recipe: read from the store, or encoded now and kept there.

    Raises:
        UserError: the data set is not there or cannot be read.
    """
    return _load(settings, store.data_folder())
