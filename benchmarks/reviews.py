"""Texts to time with: random, but as long as IMDB's reviews and with a language's words."""

from __future__ import annotations

import numpy as np

from benchmarks.ours import Encoded

# Words of IMDB's 25,000 training reviews under this package's normalisation, measured on TFDS'
# imdb_reviews 1.0.0; between the percentiles lengths are taken as linear.
_PERCENTILES = (0, 1, 5, 10, 25, 50, 75, 90, 95, 99, 100)
_WORDS = (10, 43, 65, 91, 128, 176, 286, 460, 600, 914, 2503)


def reviews(count: int, vocabulary_size: int, max_length: int, seed: int = 1) -> Encoded:
    """Encoded texts with random labels: lengths as on IMDB, words by Zipf's law."""
    random = np.random.default_rng(seed)
    lengths = np.interp(random.uniform(0, 100, count), _PERCENTILES, _WORDS).astype(np.int64)
    lengths = np.minimum(lengths, max_length)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    # The first two ids are padding and unknown words.
    ids = np.minimum(random.zipf(1.2, offsets[-1]) + 1, vocabulary_size - 1).astype(np.int32)
    return Encoded(ids, offsets, random.integers(0, 2, count, dtype=np.int32))
