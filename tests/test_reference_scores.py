"""Criteria beside references in numpy that share no code with them: the Gauss-Newton diagonal of a
convolution, and what the units of LSTMs give and move the loss by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.test_probe import (
    COUNTS,
    IDS,
    LABELS,
    TEXTS,
    TINY,
    VOCABULARY,
    WORDS,
    Plain,
    context,
    drawn,
)
from tflottery.files import Arrays
from tflottery.models.architecture import Initializers
from tflottery.models.shipped.lstm import Lstm
from tflottery.pruning import criteria

IS_WORD = IDS > 0
STEP = 1e-5


def exactly(weights: Arrays) -> Arrays:
    return {name: weight.astype(np.float64) for name, weight in weights.items()}


def differences(function: Callable[[np.ndarray], np.ndarray], at: np.ndarray) -> np.ndarray:
    """Central differences of a function by each number of an array: [array, value]."""
    found = []
    for place in np.ndindex(at.shape):
        ends = []
        for sign in (1, -1):
            moved = at.copy()
            moved[place] += sign * STEP
            ends.append(np.asarray(function(moved)))
        found.append((ends[0] - ends[1]) / (2 * STEP))
    return np.reshape(found, (*at.shape, *np.shape(found[0])))


# OBD


def logits_of_cnn(weights: Arrays) -> np.ndarray:
    """[texts, logits] of a network as ``TINY``, of any number of logits."""
    given = []
    for ids in IDS:
        words = weights["embedding/embeddings"][ids[ids > 0]]
        after = np.vstack([words[1:], np.zeros((1, words.shape[1]))])
        kernel = weights["conv_2/kernel"]
        highest = (words @ kernel[0] + after @ kernel[1]).max(axis=0) + weights["conv_2/bias"]
        given.append(np.maximum(highest, 0) @ weights["head/kernel"] + weights["head/bias"])
    return np.array(given)


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """[texts, classes]; a single logit is of the second of two classes."""
    if logits.shape[1] == 1:
        logits = np.hstack([np.zeros_like(logits), logits])
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("classes", [2, 3])
def test_obd_of_embedding_and_convolution_is_the_gauss_newton_diagonal(classes):
    model = TINY.build(VOCABULARY, classes, Initializers(1))
    weights = drawn(model)
    found = criteria.score(context("obd", weights, Plain(model)))
    exact = exactly(weights)
    chances = np.exp(log_probabilities(logits_of_cnn(exact)))
    for name in ("embedding/embeddings", "conv_2/kernel", "head/kernel"):

        def said(tensor: np.ndarray, name: str = name) -> np.ndarray:
            return log_probabilities(logits_of_cnn({**exact, name: tensor}))

        slopes = differences(said, exact[name])
        curved = np.einsum("n,nc,...nc->...", COUNTS, chances, slopes**2) / TEXTS
        expected = curved * exact[name] ** 2 / 2
        assert found[name] == pytest.approx(expected, rel=1e-3, abs=1e-7)
        assert expected.max() > 1e-3


# Units of LSTMs


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def states(x: np.ndarray, layer: str, weights: Arrays, backwards: bool) -> np.ndarray:
    """[words, units]: the state after each word of one text, in the order of the words."""
    kernel, recurrent, bias = (
        weights[f"{layer}/{part}"] for part in ("kernel", "recurrent_kernel", "bias")
    )
    state = cell = np.zeros(len(recurrent))
    given = np.zeros((len(x), len(recurrent)))
    for place in reversed(range(len(x))) if backwards else range(len(x)):
        into, forget, candidate, out = np.split(x[place] @ kernel + state @ recurrent + bias, 4)
        cell = sigmoid(forget) * cell + sigmoid(into) * np.tanh(candidate)
        state = sigmoid(out) * np.tanh(cell)
        given[place] = state
    return given


def read(
    model: Lstm, weights: Arrays, text: int, moved: dict[str, np.ndarray]
) -> tuple[float, dict[str, np.ndarray]]:
    """A text's loss, and what each layer of units gives, [places, units]; ``moved`` is added to
    what a layer gives, as later layers read it."""
    ids = IDS[text][IS_WORD[text]]
    outputs = {"embedding": weights["embedding/embeddings"][ids] + moved.get("embedding", 0)}
    x = outputs["embedding"]
    directions = ("forward", "backward") if model.bidirectional else ("forward",)
    for number in range(1, model.layers + 1):
        made = []
        for direction in directions:
            layer = f"lstm_{direction}_{number}"
            given = states(x, layer, weights, direction == "backward")
            if number == model.layers and model.pooling == "last":
                given = given[:1] if direction == "backward" else given[-1:]
            outputs[layer] = given + moved.get(layer, 0)
            made.append(outputs[layer])
        x = np.concatenate(made, axis=1)
    pooled = x.max(axis=0)  # of a last state there is but one
    logit = (pooled @ weights["head/kernel"] + weights["head/bias"])[0]
    return float(np.logaddexp(0, logit) - LABELS[text] * logit), outputs


def in_layer(scores: np.ndarray) -> np.ndarray:
    return scores / np.linalg.norm(scores)


@pytest.mark.parametrize(
    ("bidirectional", "layers", "pooling"),
    [(False, 1, "last"), (True, 1, "max"), (True, 2, "last")],
)
def test_units_of_lstms_are_scored_by_what_they_give(bidirectional, layers, pooling):
    lstm = Lstm(embedding=2, units=2, layers=layers, bidirectional=bidirectional, pooling=pooling)
    weights = drawn(model := lstm.build(VOCABULARY, 2, Initializers(1)))
    exact, computed, units = exactly(weights), Plain(model), lstm.unit_layers()
    # Padding is no word, from whichever end a layer reads.
    assert not IS_WORD.all() and IDS.shape == (TEXTS, WORDS)
    found = {
        name: criteria.score(context(name, weights, computed, units))
        for name in ("taylor_units", "activation_norm")
    }
    for one in units:
        layer, moves, squares = one.layer, np.zeros(one.count), np.zeros(one.count)
        for text in range(TEXTS):
            given = read(lstm, exact, text, {})[1][layer]

            def loss(change: np.ndarray, text: int = text, layer: str = layer) -> float:
                return read(lstm, exact, text, {layer: change})[0]

            slopes = COUNTS[text] * differences(loss, np.zeros_like(given))
            moves += np.abs((given * slopes).sum(axis=0))
            squares += np.square(given).sum(axis=0)
        assert found["taylor_units"][layer] == pytest.approx(in_layer(moves), abs=1e-4)
        assert found["activation_norm"][layer] == pytest.approx(
            in_layer(np.sqrt(squares)), abs=1e-5
        )
