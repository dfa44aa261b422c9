"""The n-grams that a CNN's filters look for: the windows of texts that move each filter most.

A filter's feature is its largest value over a text, rectified, and the last layer weighs it. What a
filter did to a class is its mean feature over texts times that weight (Jacovi et al. 2018, arXiv
1809.08037, read filters likewise).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice, permutations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("class", "filter", "effect", "ngrams")
_OTHERS = ("embedding/embeddings", "head/kernel", "head/bias")
_ORDERS = 120
_CONVOLUTION = re.compile(r"conv_\d+/kernel")
# How near the scores that are computed here have to be to the model's.
_TOLERANCE = 1e-3


def strongest(
    weights: Mapping[str, np.ndarray],
    rows: np.ndarray,
    words: Sequence[Sequence[str]],
    ids: Sequence[Sequence[int]],
    scores: np.ndarray,
    classes: Sequence[str],
    most: int = 5,
    each: int = 3,
) -> pd.DataFrame:
    """A row a class and filter, those that speak most for a class first: ``class``, ``filter`` (as
    ``conv_3/17``), ``effect`` (on the class's logit, the mean over the texts) and ``ngrams``, the
    different windows that move it most. No rows of a network that is not the CNN.

    Args:
        weights: of the network, by tensor.
        rows: int32 [words], the embedding row of each id.
        words, ids: of each text.
        scores: float [texts, classes], the model's; nothing is said where those computed here are
            others.
        classes: names in the order of the scores.
        most: filters of a class.
        each: n-grams of a filter.
    """
    import pandas as pd

    empty = pd.DataFrame([], columns=list(COLUMNS))
    kernels = {name: len(weights[name]) for name in sorted(weights) if _CONVOLUTION.fullmatch(name)}
    if not ids or not _has_filters(weights, list(kernels), rows):
        return empty
    names: Sequence[str] = list(kernels)
    values, places = _maxima(weights, names, rows, ids)
    # The order in which features are joined is the network's own.
    for order in islice(permutations(kernels), _ORDERS):
        chosen = np.concatenate([values[name] for name in order], axis=1)
        features = np.maximum(chosen, 0)
        if features.shape[1] != len(weights["head/kernel"]):
            return empty
        logits = features @ weights["head/kernel"] + weights["head/bias"]
        if np.abs(_probabilities(logits) - scores).max() <= _TOLERANCE:
            names = order
            break
    else:
        return empty
    head = weights["head/kernel"]
    sides = np.hstack([-head, head]) if len(classes) == 2 else head - head.mean(axis=1)[:, None]
    effects = features.mean(axis=0)[:, None] * sides
    labels = [(name, number) for name in names for number in range(values[name].shape[1])]
    found: list[tuple[str, str, float, list[str]]] = []
    for number, label in enumerate(classes):
        for place in np.argsort(-effects[:, number], kind="stable")[:most].tolist():
            if effects[place, number] <= 0:
                break
            name, own = labels[place]
            ngrams = _ngrams(words, values[name][:, own], places[name][:, own], kernels[name], each)
            effect = float(effects[place, number])
            found.append((label, f"{name.partition('/')[0]}/{own}", effect, ngrams))
    return pd.DataFrame(found, columns=list(COLUMNS))


def _has_filters(
    weights: Mapping[str, np.ndarray], kernels: Sequence[str], rows: np.ndarray
) -> bool:
    """Whether the tensors have the shapes of the CNN's; those of a network of one's own may have
    its names."""
    biases = [name.replace("kernel", "bias") for name in kernels]
    if not kernels or not {*_OTHERS, *biases} <= set(weights):
        return False
    embedding = weights["embedding/embeddings"]
    return (
        embedding.ndim == weights["head/kernel"].ndim == 2
        and all(
            weights[name].ndim == 3 and weights[name].shape[1] == embedding.shape[1]
            for name in kernels
        )
        and int(rows.max()) < len(embedding)
    )


def _maxima(
    weights: Mapping[str, np.ndarray],
    names: Sequence[str],
    rows: np.ndarray,
    ids: Sequence[Sequence[int]],
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Of each convolution, [texts, filters]: the largest value, and the word at which it is."""
    values: dict[str, list[np.ndarray]] = {name: [] for name in names}
    places: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for one in ids:
        vectors = weights["embedding/embeddings"][rows[list(one)]]
        for name in names:
            kernel = weights[name]
            width = len(kernel)
            left = (width - 1) // 2
            around = np.pad(vectors, [(left, width - 1 - left), (0, 0)])
            windows = np.lib.stride_tricks.sliding_window_view(around, width, axis=0)
            found = np.einsum("tdw,wdf->tf", windows, kernel, optimize=True)
            places[name].append(found.argmax(axis=0))
            values[name].append(found.max(axis=0) + weights[name.replace("kernel", "bias")])
    return (
        {name: np.array(of) for name, of in values.items()},
        {name: np.array(of) for name, of in places.items()},
    )


def _probabilities(logits: np.ndarray) -> np.ndarray:
    exact = logits.astype(np.float64)
    if exact.shape[1] == 1:
        exact = np.hstack([np.zeros_like(exact), exact])
    odds = np.exp(exact - exact.max(axis=1, keepdims=True))
    shares: np.ndarray = odds / odds.sum(axis=1, keepdims=True)
    return shares


def _ngrams(
    words: Sequence[Sequence[str]], values: np.ndarray, places: np.ndarray, width: int, most: int
) -> list[str]:
    """The different windows of the texts that move a filter most, the strongest first."""
    found: dict[str, None] = {}
    for text in np.argsort(-values, kind="stable").tolist():
        first = int(places[text]) - (width - 1) // 2
        window = " ".join(words[text][max(first, 0) : first + width])
        if values[text] > 0 and window:
            found.setdefault(window)
        if len(found) == most:
            break
    return list(found)
