"""The encoded data of runs."""

from __future__ import annotations

from functools import lru_cache

from tflottery.data.corpus import folder_of
from tflottery.data.encoded import Corpus
from tflottery.data.look import inspection
from tflottery.data.settings import DataSettings
from tflottery.files import require_writable
from tflottery.runs.networks import CACHED
from tflottery.runs.store import Store

_load = lru_cache(maxsize=CACHED)(inspection.load)


def load_corpus(settings: DataSettings, store: Store) -> Corpus:
    """The encoded data of a recipe: read from the store, or encoded now and kept there.

    Raises:
        UserError: the data set is not there or cannot be read.
    """
    kept = folder_of(settings, store.data_place)
    if not kept.exists():
        require_writable(kept, "--store")
    return _load(settings, store.data_folder())


def find_corpus(settings: DataSettings, store: Store) -> Corpus | None:
    """The encoded data of a recipe where the store holds it; None where it would have to be read.

    Raises:
        UserError: what is kept is damaged.
    """
    kept = folder_of(settings, store.data_place).is_dir()
    return load_corpus(settings, store) if kept else None
