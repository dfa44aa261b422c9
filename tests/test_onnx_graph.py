"""ONNX graphs of the networks that come along give the scores of the formulas, in ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest

from tflottery.exports.formats.onnx_graph import Graph, cnn, recurrent, transformer

onnxruntime = pytest.importorskip("onnxruntime")

WORDS, SIZE, LENGTH, UNITS = 20, 6, 9, 4
RANDOM = np.random.default_rng(0)
IDS = np.where(
    np.arange(LENGTH) < RANDOM.integers(1, LENGTH + 1, (24, 1)),
    RANDOM.integers(1, WORDS, (24, LENGTH)),
    0,
).astype(np.int32)
THERE = IDS != 0
WAYS = ("forward", "backward")
Weights = dict[str, np.ndarray]


def drawn(*shape: int) -> np.ndarray:
    return RANDOM.normal(0, 0.6, shape).astype(np.float32)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def dense(weights: Weights, layer: str, x: np.ndarray) -> np.ndarray:
    return x @ weights[f"{layer}/kernel"] + weights.get(f"{layer}/bias", 0)


def dense_weights(layer: str, size: int, units: int, bias: bool = True) -> Weights:
    made = {f"{layer}/kernel": drawn(size, units)}
    return {**made, f"{layer}/bias": drawn(units)} if bias else made


def require_scores(graph: Graph, logits: str, expected: np.ndarray) -> None:
    """Runs a graph on all texts, and on one without its padding."""
    classes = max(expected.shape[1], 2)
    graph.answered(logits, classes)
    model = graph.model("test", classes, ("tflottery", "0"), {"classes": '["a"]'})
    session = onnxruntime.InferenceSession(model.SerializeToString())
    assert session.get_modelmeta().custom_metadata_map == {"classes": '["a"]'}
    assert [one.name for one in session.get_inputs()] == ["ids"]
    assert [one.name for one in session.get_outputs()] == ["score", "label"]
    score, label = session.run(None, {"ids": IDS})
    if classes == 2:
        expected = np.concatenate([np.zeros_like(expected), expected], axis=1)
    assert np.array_equal(label, expected.argmax(axis=1)) and label.dtype == np.int32
    assert np.ptp(score, axis=0).min() > 0.01
    probabilities = softmax(expected)
    assert score == pytest.approx(probabilities[:, 1] if classes == 2 else probabilities, abs=1e-6)
    alone = session.run(["score"], {"ids": IDS[:1, : THERE[0].sum()]})[0]
    assert alone == pytest.approx(score[:1], abs=1e-6)


def test_a_cnn():
    weights = {"embedding/embeddings": drawn(WORDS, SIZE), **dense_weights("head", 3 * UNITS, 1)}
    embedded, features = weights["embedding/embeddings"][IDS] * THERE[..., np.newaxis], []
    for width in (1, 2, 5):
        kernel, bias = drawn(width, SIZE, UNITS), drawn(UNITS)
        weights |= {f"conv_{width}/kernel": kernel, f"conv_{width}/bias": bias}
        left = (width - 1) // 2
        padded = np.pad(embedded, ((0, 0), (left, width - 1 - left), (0, 0)))
        windows = sum(padded[:, i : i + LENGTH] @ kernel[i] for i in range(width))
        features.append(np.where(THERE[..., np.newaxis], windows, -np.inf).max(axis=1) + bias)
    expected = dense(weights, "head", np.maximum(np.concatenate(features, axis=1), 0))
    graph = Graph(weights, None)
    require_scores(graph, cnn(graph, (1, 2, 5)), expected)


def states(operator: str, x: np.ndarray, weights: Weights, layer: str) -> np.ndarray:
    """float [texts, words, units]; what a layer gives at padding is what it gave before."""
    kernel, recurrent_kernel, bias = (
        weights[f"{layer}/{part}"] for part in ("kernel", "recurrent_kernel", "bias")
    )
    made = np.zeros((len(x), LENGTH, UNITS))
    state, cell = made[:, 0], made[:, 0]
    for word in range(LENGTH)[:: -1 if "backward" in layer else 1]:
        read = x[:, word] @ kernel + bias
        if operator == "lstm":
            into, forget, candidate, out = np.split(read + state @ recurrent_kernel, 4, axis=1)
            new_cell = sigmoid(forget) * cell + sigmoid(into) * np.tanh(candidate)
            new = sigmoid(out) * np.tanh(new_cell)
            cell = np.where(THERE[:, word, np.newaxis], new_cell, cell)
        else:
            gates = sigmoid(read[:, : 2 * UNITS] + state @ recurrent_kernel[:, : 2 * UNITS])
            update, reset = np.split(gates, 2, axis=1)
            of_candidate = recurrent_kernel[:, 2 * UNITS :]
            candidate = np.tanh(read[:, 2 * UNITS :] + (reset * state) @ of_candidate)
            new = update * state + (1 - update) * candidate
        state = np.where(THERE[:, word, np.newaxis], new, state)
        made[:, word] = state
    return made


@pytest.mark.parametrize("ways", [WAYS, WAYS[:1]])
@pytest.mark.parametrize("pooling", ["last", "max", "mean"])
@pytest.mark.parametrize("operator", ["lstm", "gru"])
def test_a_recurrent_network(operator, pooling, ways):
    made = UNITS * len(ways)
    weights = {"embedding/embeddings": drawn(WORDS, SIZE), **dense_weights("head", made, 3)}
    gates = 4 if operator == "lstm" else 3
    rows = RANDOM.permutation(WORDS).astype(np.int32)
    x = weights["embedding/embeddings"][rows[IDS]]
    for number in (1, 2):
        layers = [f"{operator}_{way}_{number}" for way in ways]
        for layer in layers:
            weights |= dense_weights(layer, SIZE if number == 1 else made, gates * UNITS)
            weights[f"{layer}/recurrent_kernel"] = drawn(UNITS, gates * UNITS)
        both = [states(operator, x, weights, layer) for layer in layers]
        x = np.concatenate(both, axis=2)
    ends = [
        one[:, 0] if "backward" in layer else one[:, -1]
        for layer, one in zip(layers, both, strict=True)
    ]
    there = THERE[..., np.newaxis]
    pooled = {
        "last": np.concatenate(ends, axis=1),
        "max": np.where(there, x, -np.inf).max(axis=1),
        "mean": (x * there).sum(axis=1) / there.sum(axis=1),
    }
    graph = Graph(weights, rows)
    logits = recurrent(graph, operator, ways, 2, pooling)
    require_scores(graph, logits, dense(weights, "head", pooled[pooling]))


def test_a_transformer_whose_last_position_is_shared():
    size, heads, positions, epsilon = 8, 2, 6, 1e-3
    head_size = size // heads
    weights = {
        "embedding/embeddings": drawn(WORDS, size),
        "positions/embeddings": drawn(positions, size),
        **dense_weights("head", size, 1),
    }

    def normed(x: np.ndarray, layer: str) -> np.ndarray:
        weights[f"{layer}/gamma"], weights[f"{layer}/beta"] = drawn(size), drawn(size)
        moved = x - x.mean(axis=-1, keepdims=True)
        scaled = moved / np.sqrt(x.var(axis=-1, keepdims=True) + epsilon)
        return scaled * weights[f"{layer}/gamma"] + weights[f"{layer}/beta"]

    def applied(layer: str, x: np.ndarray, units: int, bias: bool = True) -> np.ndarray:
        weights.update(dense_weights(layer, x.shape[-1], units, bias))
        return dense(weights, layer, x)

    def split(x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), LENGTH, -1, head_size).transpose(0, 2, 1, 3)

    x = weights["embedding/embeddings"][IDS]
    x = x + weights["positions/embeddings"][np.minimum(np.arange(LENGTH), positions - 1)]
    for number, left in ((1, heads), (2, 1)):  # of the second layer one head was left
        y = normed(x, f"attention_norm_{number}")
        query, key, value = (
            split(applied(f"{part}_{number}", y, left * head_size, part != "key"))
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(head_size)
        scores = np.where(THERE[:, np.newaxis, np.newaxis], scores, -np.inf)
        read = (softmax(scores) @ value).transpose(0, 2, 1, 3).reshape(*x.shape[:2], -1)
        x = x + applied(f"attention_{number}", read, size)
        units = np.maximum(applied(f"units_{number}", normed(x, f"units_norm_{number}"), 5), 0)
        x = x + applied(f"feed_forward_{number}", units, size)
    there = THERE[..., np.newaxis]
    text = normed((x * there).sum(axis=1) / there.sum(axis=1), "norm")
    expected = dense(weights, "head", text)
    graph = Graph(weights, None)
    require_scores(graph, transformer(graph, head_size, 2, epsilon), expected)
