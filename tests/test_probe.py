"""Gradients, second derivatives, flow and activations beside small references in numpy."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from tests.conftest import SMALL
from tflottery.data.batches import WeighedBatch, first_batches, training_batches
from tflottery.data.encoded import Corpus
from tflottery.errors import TrainingError
from tflottery.files import Arrays
from tflottery.models import weights as named_weights
from tflottery.models.architecture import Initializers
from tflottery.models.shipped.cnn import Cnn
from tflottery.pruning import criteria, masks
from tflottery.pruning.context import PruningContext
from tflottery.runs.computed import OnTrainingData
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import Dense, Fresh, RunSpec
from tflottery.training import flow
from tflottery.training.losses import loss
from tflottery.training.probe import Probe
from tflottery.training.settings import TrainingSeeds, TrainingSettings
from tflottery.training.trainer import Trainer

VOCABULARY, TEXTS, WORDS = 7, 5, 4
RANDOM = np.random.default_rng(3)
IDS = RANDOM.integers(1, VOCABULARY, (TEXTS, WORDS)).astype(np.int32)
IDS[0, 2:] = 0
LABELS = np.array([0, 1, 1, 0, 1], np.int32)
COUNTS = np.array([1, 2, 1, 0.5, 1], np.float32)
BATCH: WeighedBatch = (IDS, LABELS, COUNTS)
TINY = Cnn(embedding=2, widths=(2,), filters=2)


def drawn(model: keras.Model, scale: float = 0.7) -> Arrays:
    """Weights for every tensor of a model, biases among them."""
    random = np.random.default_rng(1)
    return {
        name: random.normal(0, scale, weight.shape).astype(np.float32)
        for name, weight in named_weights.get(model).items()
    }


def of_cnn(weights: Arrays) -> float:
    """The mean loss of ``TINY`` on ``BATCH``, in numpy: windows of two words, the second one beyond
    the end is zeros; the maximum, ReLU, one logit, cross-entropy."""
    words = weights["embedding/embeddings"].astype(np.float64)[IDS] * (IDS > 0)[..., np.newaxis]
    beyond = np.concatenate([words[:, 1:], np.zeros((TEXTS, 1, 2))], axis=1)
    kernel = weights["conv_2/kernel"].astype(np.float64)
    windows = words @ kernel[0] + beyond @ kernel[1]
    windows = np.where((IDS > 0)[..., np.newaxis], windows, -np.inf)
    features = np.maximum(windows.max(axis=1) + weights["conv_2/bias"], 0)
    logits = (features @ weights["head/kernel"] + weights["head/bias"])[:, 0]
    losses = np.logaddexp(0, logits) - LABELS * logits
    return float((COUNTS * losses).mean())


def slope(function: Callable[[Arrays], float], weights: Arrays, step: float = 1e-5) -> Arrays:
    """Central differences of a function of weights."""
    found = {name: np.zeros(weight.shape) for name, weight in weights.items()}
    weights = {name: weight.astype(np.float64) for name, weight in weights.items()}
    for name, weight in weights.items():
        for place in np.ndindex(weight.shape):
            ends = []
            for sign in (1, -1):
                moved = weight.copy()
                moved[place] += sign * step
                ends.append(function({**weights, name: moved}))
            found[name][place] = (ends[0] - ends[1]) / (2 * step)
    return found


class Plain:
    """The ``Computed`` of a model on ``BATCH``."""

    def __init__(self, model: keras.Model, tables: tuple[str, ...] = ()) -> None:
        self._probe = Probe(model, loss(max(2, model.output_shape[-1])))
        self._tables = tables

    def gradients(self, weights, batches):
        return self._probe.gradients(weights, [BATCH])

    def hessian_product(self, weights, vector, batches):
        return self._probe.hessian_product(weights, vector, [BATCH])

    def curvature(self, weights, batches):
        one = [tuple(part[n : n + 1] for part in BATCH) for n in range(TEXTS)]
        return self._probe.curvature(weights, one)

    def flow(self, weights):
        return self._probe.flow(weights, self._tables)

    def activations(self, weights, layers, batches):
        return self._probe.activations(weights, layers, [BATCH])


def context(criterion: str, weights: Arrays, computed: Plain, units=()) -> PruningContext:
    names = tuple(sorted(name for name in weights if not name.endswith("bias")))
    left = {name: np.ones(weights[name].shape, bool) for name in names}
    return PruningContext(criterion, weights, left, names, units=units, _computed=lambda: computed)


@pytest.fixture(scope="module")
def cnn() -> tuple[Arrays, Plain]:
    model = TINY.build(VOCABULARY, 2, Initializers(1))
    return drawn(model), Plain(model, TINY.roles().embedding)


def test_snip_and_taylor_are_what_the_loss_says(cnn):
    weights, computed = cnn
    expected = slope(of_cnn, weights)
    for name in ("snip", "taylor"):
        found = criteria.score(context(name, weights, computed))
        for tensor, scores in found.items():
            assert scores == pytest.approx(np.abs(expected[tensor] * weights[tensor]), abs=1e-6)
    assert any(scores.max() > 0.05 for scores in found.values())


def test_grasp_is_what_becomes_of_the_gradient(cnn):
    """Leaving out a part e of a weight changes the squared norm of the gradient by -2 e w (H g)."""
    weights, computed = cnn
    kept = [name for name in weights if not name.endswith("bias")]

    def signal(at: Arrays) -> float:
        slopes = slope(of_cnn, at)
        return sum(float(np.square(slopes[name]).sum()) for name in kept)

    expected = slope(signal, weights, step=1e-3)
    found = criteria.score(context("grasp", weights, computed))
    for name in kept:
        loss_of_signal = expected[name] * weights[name]
        assert 2 * found[name] == pytest.approx(loss_of_signal, abs=2e-4)
    # The highest are kept: leaving them out lowers the norm most.
    assert max(scores.max() for scores in found.values()) > 0.01


def chain() -> keras.Model:
    ids = keras.Input([None], dtype="int32")
    made = keras.layers.Embedding(VOCABULARY, 3, name="embedding")(ids)
    made = keras.layers.Dense(4, name="one")(made)
    made = keras.layers.GlobalAveragePooling1D()(made)
    return keras.Model(ids, keras.layers.Dense(2, name="two")(made))


def test_synflow_has_its_closed_form_on_a_linear_chain():
    model = chain()
    weights = drawn(model)
    computed = Plain(model, ("embedding/embeddings",))
    found = criteria.score(context("synflow", weights, computed))
    table, one, two = (
        np.abs(weights[name]) for name in ("embedding/embeddings", "one/kernel", "two/kernel")
    )
    word = table.mean(axis=0)
    assert found["two/kernel"] == pytest.approx((word @ one)[:, np.newaxis] * two, rel=1e-5)
    assert found["one/kernel"] == pytest.approx(
        word[:, np.newaxis] * one * two.sum(axis=1), rel=1e-5
    )
    assert found["embedding/embeddings"] == pytest.approx(
        table * (one @ two.sum(axis=1)) / VOCABULARY, rel=1e-5
    )


def test_synflow_is_conserved_from_layer_to_layer(cnn):
    weights, computed = cnn
    found = criteria.score(context("synflow", weights, computed))
    sums = [float(scores.sum()) for scores in found.values()]
    assert sums == pytest.approx([sums[0]] * 3, rel=1e-5) and sums[0] > 0.1


@pytest.mark.parametrize("name", ["lstm", "gru", "transformer"])
def test_flow_has_no_meaning_for_gates_attention_and_norms(name):
    model = SMALL[name].build(VOCABULARY, 2, Initializers(1))
    with pytest.raises(TrainingError, match="Flow goes through embeddings, kernels, ReLU"):
        Plain(model, SMALL[name].roles().embedding).flow(drawn(model))


def test_flow_has_no_meaning_for_another_activation():
    ids = keras.Input([None], dtype="int32")
    made = keras.layers.Embedding(VOCABULARY, 3, name="embedding")(ids)
    made = keras.layers.GlobalMaxPooling1D()(made)
    made = keras.layers.Dense(4, "tanh", name="one")(made)
    model = keras.Model(ids, keras.layers.Dense(2, name="two")(made))
    with pytest.raises(TrainingError, match="the layer one of the network"):
        Plain(model, ("embedding/embeddings",)).flow(drawn(model))


class Squared(keras.layers.Dense):
    """A layer of somebody's own that is not what its class is known for."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.square(super().call(x))


class Named(keras.layers.Dense):
    """One that is."""


@pytest.mark.parametrize(
    ("layer", "flows"),
    [
        (keras.layers.ReLU(), True),
        (keras.layers.ReLU(negative_slope=0.1), True),
        (keras.layers.ReLU(max_value=6.0), False),
        (keras.layers.ReLU(threshold=1.0), False),
        (keras.layers.Activation("relu"), True),
        (keras.layers.Activation("relu6"), False),
        (keras.layers.LayerNormalization(), False),
        (keras.layers.BatchNormalization(), False),
        (Named(3), True),
        (Squared(3), False),
    ],
    ids=lambda given: getattr(given, "name", str(given)),
)
def test_flow_goes_where_twice_as_much_gives_twice_as_much(layer, flows):
    ids = keras.Input([None], dtype="int32")
    made = keras.layers.Embedding(VOCABULARY, 3, name="embedding")(ids)
    made = layer(keras.layers.GlobalMaxPooling1D()(made))
    model = keras.Model(ids, keras.layers.Dense(2, name="two")(made))
    assert bool(flow.lacking(model)) is not flows
    if flows:
        weights = drawn(model)
        found = criteria.score(context("synflow", weights, Plain(model, ("embedding/embeddings",))))
        sums = [float(scores.sum()) for scores in found.values()]
        assert sums == pytest.approx([sums[0]] * len(sums), rel=1e-5)


@pytest.mark.parametrize("logits", [1, 3])
def test_obd_is_exact_where_logits_are_linear(logits):
    """Of a linear classifier the Gauss-Newton matrix is the Hessian, and leaving a weight out
    changes the loss, to second order and beside g, by h w^2 / 2."""
    ids = keras.Input([None], dtype="int32")
    made = keras.layers.Embedding(VOCABULARY, 3, name="embedding")(ids)
    made = keras.layers.GlobalAveragePooling1D()(made)
    model = keras.Model(ids, keras.layers.Dense(logits, name="head")(made))
    weights = drawn(model)
    found = criteria.score(context("obd", weights, Plain(model)))["head/kernel"]
    features = weights["embedding/embeddings"][IDS].mean(axis=1)
    given = features @ weights["head/kernel"] + weights["head/bias"]
    said = 1 / (1 + np.exp(-given)) if logits == 1 else tf.nn.softmax(given).numpy()
    curved = np.einsum("n,nf,nl->fl", COUNTS, features**2, said * (1 - said)) / TEXTS
    assert found == pytest.approx(curved * weights["head/kernel"] ** 2 / 2, rel=1e-4)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_loops_give_what_fast_layers_give(name):
    model = dataclasses.replace(SMALL[name], pooling="mean" if name == "gru" else "last").build(
        VOCABULARY, 2, Initializers(1)
    )
    named_weights.put(model, drawn(model))
    given = []
    for by_loop in (False, True):
        for layer in model.layers:
            layer.by_loop = by_loop
        with tf.GradientTape() as tape:
            logits = model(IDS)
        slopes = tape.gradient(logits, model.trainable_variables)
        given.append([logits.numpy(), *(tf.convert_to_tensor(one).numpy() for one in slopes)])
    for fast, plain in zip(*given, strict=True):
        assert fast == pytest.approx(plain, abs=1e-5)


def test_gates_have_second_derivatives():
    model = dataclasses.replace(SMALL["lstm"], bidirectional=False).build(
        VOCABULARY, 2, Initializers(1)
    )
    weights, computed = drawn(model, 0.4), Plain(model)
    slopes = computed.gradients(weights, 1)
    found = computed.hessian_product(weights, slopes, 1)
    step = 1e-2 / np.sqrt(sum(float(np.square(one).sum()) for one in slopes.values()))
    ends = [
        computed.gradients(
            {n: (w + sign * step * slopes[n]).astype(np.float32) for n, w in weights.items()}, 1
        )
        for sign in (1, -1)
    ]
    for name, product in found.items():
        expected = (ends[0][name] - ends[1][name]) / (2 * step)
        assert product == pytest.approx(expected, abs=0.02 * np.abs(product).max())
        assert np.abs(product).max() > 0
    # Fast layers are fast again.
    assert not any(getattr(layer, "by_loop", False) for layer in model.layers)


class Fused(keras.layers.Layer):
    """An op of whose gradient TensorFlow knows no gradient."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        size = x.shape[-1]
        none = tf.zeros([size])
        return tf.raw_ops.BlockLSTM(
            seq_len_max=1, x=x[tf.newaxis], cs_prev=x * 0, h_prev=x * 0, wci=none, wcf=none,
            wco=none, w=tf.ones([2 * size, 4 * size]), b=tf.zeros([4 * size]),
        ).h[0]  # fmt: skip


def test_an_op_without_a_second_derivative_is_one_line():
    ids = keras.Input([None], dtype="int32")
    made = keras.layers.Embedding(VOCABULARY, 3, name="embedding")(ids)
    made = Fused()(keras.layers.GlobalAveragePooling1D()(made))
    model = keras.Model(ids, keras.layers.Dense(1, name="head")(made), name="fused")
    weights, computed = drawn(model), Plain(model)
    slopes = computed.gradients(weights, 1)
    told = "network fused has no second derivative: TensorFlow has no gradient of BlockLSTMGrad"
    with pytest.raises(TrainingError, match=told) as caught:
        computed.hessian_product(weights, slopes, 1)
    assert "\n" not in str(caught.value)


def test_activations_are_of_units_and_padding_is_zero(cnn):
    weights, computed = cnn
    names = [units.layer for units in TINY.unit_layers()]
    (found,) = computed.activations(weights, names, 1)
    words = found["embedding"]
    assert words.values.shape == words.gradients.shape == (TEXTS, WORDS, 2)
    assert not words.values[0, 2:].any() and not words.gradients[0, 2:].any()
    assert np.array_equal(words.values[1], weights["embedding/embeddings"][IDS[1]])
    maxima = found["conv_2"].values[:, 0]
    features = np.maximum(maxima, 0)
    logits = (features @ weights["head/kernel"] + weights["head/bias"])[:, 0]
    errors = COUNTS * (1 / (1 + np.exp(-logits)) - LABELS) / TEXTS
    expected = errors[:, np.newaxis] * weights["head/kernel"][:, 0] * (maxima > 0)
    assert found["conv_2"].gradients[:, 0] == pytest.approx(expected, abs=1e-6)


def test_recurrent_units_have_activations_too():
    for name in ("lstm", "transformer"):
        model = SMALL[name].build(VOCABULARY, 2, Initializers(1))
        layers = SMALL[name].unit_layers()
        for criterion in ("taylor_units", "activation_norm"):
            found = criteria.score(context(criterion, drawn(model), Plain(model), layers))
            assert all(np.linalg.norm(scores) == pytest.approx(1) for scores in found.values())


# On a run's own data


@pytest.fixture(scope="module")
def run_and_trainer(small_corpus, small_settings) -> tuple[RunSpec, Trainer]:
    training = TrainingSettings(batch_size=8, class_weight="balanced")
    data = dataclasses.replace(small_settings, fingerprint="f")
    spec = RunSpec(Recipe(data, TINY, training), Dense(), Fresh(1), TrainingSeeds(5, 5))
    return spec, Trainer(TINY, len(small_corpus.vocabulary), 2, training)


def test_batches_are_the_first_that_the_run_was_trained_with(small_corpus: Corpus):
    training = iter(training_batches(small_corpus.train, 8, 5))
    for ids, labels, counts in first_batches(small_corpus.train, 8, 5, 3, None):
        expected = next(training)
        assert np.array_equal(ids, expected[0].numpy()) and counts.tolist() == [1] * len(ids)
        assert np.array_equal(labels, expected[1].numpy())
    found = list(first_batches(small_corpus.train, 8, 5, 10_000, {0: 2.0, 1: 0.5}, size=1))
    assert len(found) == len(small_corpus.train)  # one epoch, no text twice
    for _, (label,), (counted,) in found:
        assert counted == (0.5 if label else 2.0)


@pytest.mark.parametrize("name", ["cnn", "gru"])
def test_a_step_of_training_goes_down_the_gradient(name, small_corpus, small_settings):
    """With SGD the first step moves each weight by the rate times the gradient of its batch."""
    off = {"dropout": 0.0, "embedding_dropout": 0.0}
    model = dataclasses.replace(SMALL[name], **off)
    training = TrainingSettings(
        optimizer="sgd", learning_rate=0.5, batch_size=8, epochs=1, class_weight="balanced"
    )
    data = dataclasses.replace(small_settings, fingerprint="f")
    spec = RunSpec(Recipe(data, model, training), Dense(), Fresh(1), TrainingSeeds(5, 5))
    trainer = Trainer(model, len(small_corpus.vocabulary), 2, training)
    left = {
        kept: np.random.default_rng(2).random(shape) < 0.7
        for kept, shape in trainer.prunable.items()
    }
    weights = masks.apply(left, trainer.fresh_weights(1))
    made = trainer.train(small_corpus, left, weights, training, spec.seeds, ("1it",))
    slopes = OnTrainingData(spec, trainer, small_corpus).gradients(weights, 1)
    for tensor, slope in slopes.items():
        moved = (weights[tensor] - made.snapshots["1it"][tensor]) / 0.5
        expected = slope * left.get(tensor, 1)
        assert moved == pytest.approx(expected, abs=1e-5 + 1e-4 * np.abs(expected).max())
        assert np.abs(slope).max() > 0


def test_equal_calls_give_equal_bits_and_leave_a_training_alone(run_and_trainer, small_corpus):
    spec, trainer = run_and_trainer
    weights = trainer.fresh_weights(1)
    everything = masks.dense(trainer.prunable)

    def trained() -> Arrays:
        made = trainer.train(small_corpus, everything, weights, spec.recipe.training, spec.seeds)
        return made.snapshots["end"]

    before = trained()
    given = []
    for _ in range(2):
        computed = OnTrainingData(spec, trainer, small_corpus)
        along = computed.gradients(weights, 2)
        given.append([along, computed.hessian_product(weights, along, 2),
                      computed.curvature(weights, 1), computed.flow(weights)])  # fmt: skip
    for one, other in zip(*given, strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in one)
    after = trained()
    assert all(np.array_equal(before[name], after[name]) for name in before)
