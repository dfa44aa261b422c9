"""Compaction: removes what pruning made useless, and changes no score.

- A unit that nothing reads is removed: a filter or a feed-forward unit whose outgoing weights are
  all pruned, an embedding column that no filter reads, an LSTM or GRU unit that only removed units
  read.
- A unit with a constant output is removed, and its output is added to the bias of the layer that
  reads it. The output of a filter or a feed-forward unit without incoming weights is its rectified
  bias; the output of an LSTM or GRU unit whose candidate is always zero is zero.
- Words whose embedding rows are all zero share one row. Padding, which is no word, keeps its own.

One removal can make others possible, so they are repeated until there are no more. Zeros that are
scattered over a matrix stay: in general no smaller dense matrix computes the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from tflottery.data.words.vocabulary import PADDING
from tflottery.exports.network import Network
from tflottery.exports.reading import SHARED
from tflottery.files import Arrays
from tflottery.models.units import Units


def compact(network: Network) -> Network:
    """A smaller network with the same scores, up to rounding in another order of additions."""
    layers = network.architecture.unit_layers()
    weights = {name: weight.copy() for name, weight in network.weights.items()}
    removed = {units.layer: np.zeros(units.count, bool) for units in layers}
    while any(_remove_useless(units, weights, removed[units.layer]) for units in layers):
        pass
    for units in layers:
        if removed[units.layer].all():
            removed[units.layer][0] = False  # a layer without units cannot be built
    weights = cut(layers, weights, removed)
    tables = network.architecture.roles().embedding if network.ids_name_rows else ()
    own_rows = _own_rows([weights[name] for name in tables])
    if own_rows is not None:
        for name in tables:
            top = np.zeros((SHARED + 1, weights[name].shape[1]), weights[name].dtype)
            if network.is_registered:  # the others leave padding out, whatever its row holds
                top[PADDING] = weights[name][PADDING]
            weights[name] = np.concatenate([top, weights[name][own_rows]])
    return dataclasses.replace(network, weights=weights, own_rows=own_rows)


def _remove_useless(units: Units, weights: Arrays, removed: np.ndarray) -> bool:
    """Sets every weight of useless units to zero; returns whether there were any.

    Args:
        units: of one layer.
        weights: float32 arrays by tensor; they are changed.
        removed: bool [units], the units removed so far; it is changed.
    """
    constants = units.constants(weights)
    useless = (~np.isnan(constants) | ~_read(units, weights)) & ~removed
    if not useless.any():
        return False
    which = np.flatnonzero(useless)
    for part in units.read:
        entries = part.of(weights[part.tensor], which, units.count)
        given = np.nan_to_num(constants[which])
        if given.any():
            weights[part.bias] += (given @ entries).astype(np.float32)
    for part in units.parts:
        # ``moveaxis`` returns a view, so this sets entries of the tensor itself.
        np.moveaxis(weights[part.tensor], part.axis, 0)[part.positions(which, units.count)] = 0
    removed |= useless
    return True


def _read(units: Units, weights: Mapping[str, np.ndarray]) -> np.ndarray:
    """bool [units]: whether a later layer reads a unit, directly or through units of its own
    layer."""
    everyone = np.arange(units.count)
    read = np.zeros(units.count, bool)
    for part in units.read:
        read |= part.of(weights[part.tensor], everyone, units.count).any(axis=1)
    if units.recurrent is None:
        return read
    kernel = weights[units.recurrent.tensor]
    gates = kernel.reshape(units.count, -1, units.count) != 0
    reads = np.logical_or.reduce(gates, axis=1)  # bool [unit that is read, unit that reads it]
    while True:
        grown = read | np.logical_or.reduce(reads[:, read], axis=1)
        if (grown == read).all():
            return read
        read = grown


def cut(layers: tuple[Units, ...], weights: Arrays, removed: Mapping[str, np.ndarray]) -> Arrays:
    """The tensors without the entries of removed units.

    Args:
        layers: the network's units.
        weights: float32 arrays by tensor; they are changed.
        removed: bool [units] by layer.
    """
    kept = {
        (name, axis): np.ones(length, bool)
        for name, weight in weights.items()
        for axis, length in enumerate(weight.shape)
    }
    for units in layers:
        which = np.flatnonzero(removed[units.layer])
        for part in units.parts:
            kept[part.tensor, part.axis][part.positions(which, units.count)] = False
    for (name, axis), keep in kept.items():
        weights[name] = weights[name].compress(keep, axis)
    return weights


def _own_rows(embeddings: list[np.ndarray]) -> np.ndarray | None:
    """bool [words]: which words have a row of their own if all whose rows are zero share one; None
    if sharing saves nothing.

    Args:
        embeddings: float [words, size] each; the ids name the rows of all of them.
    """
    if not embeddings:
        return None
    own: np.ndarray = np.logical_or.reduce([(table != 0).any(axis=1) for table in embeddings])
    own[PADDING] = False
    shared = len(own) - 1 - own.sum()
    # To store which words share a row takes one bit a word.
    saved = (shared - 1) * sum(table[0].nbytes for table in embeddings)
    return None if saved <= len(own) / 8 else own
