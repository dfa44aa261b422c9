"""What a registered network is: an edit makes it another, and nothing else does."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import textwrap
import types

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from tests.conftest import user_environment
from tests.own_networks import attention, bag, own_registry
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.exports.compaction import compact
from tflottery.exports.network import Network
from tflottery.models import weights as named_weights
from tflottery.models.architecture import Initializers
from tflottery.models.brought import registered as brought
from tflottery.models.brought.canonical import configuration
from tflottery.models.brought.kept import Rebuilt, RefusedError, portable, rebuilt
from tflottery.models.brought.registered import Registered
from tflottery.models.brought.registering import register_architecture
from tflottery.models.registry import ARCHITECTURES
from tflottery.models.roles import Roles
from tflottery.runs.identifying import identified, remarks_on, with_sizes
from tflottery.runs.recipes import Recipe
from tflottery.training.settings import TrainingSettings

WORDS = 20


@pytest.fixture(autouse=True)
def registry():
    with own_registry():
        yield


def written(code: str, **names):
    """A function of a network as somebody writes it: its inner lines, over ids and words."""
    source = (
        "def build(vocabulary_size, classes, units=4, dropout=0.1):\n"
        '    ids = keras.Input([None], dtype="int32")\n'
        "    words = keras.layers.Embedding(vocabulary_size, units)(ids)\n"
        f"{textwrap.indent(textwrap.dedent(code).strip(), '    ')}\n"
        "    return keras.Model(ids, keras.layers.Dense(1 if classes == 2 else classes)(x))\n"
    )
    space = {"keras": keras, "tf": tf, "np": np, "__name__": "mine", **names}
    exec(compile(source, "mine.py", "exec"), space)
    return space["build"]


def copied(function):
    """The same function once more, whose names can be changed for this test alone."""
    copy = types.FunctionType(
        function.__code__, function.__globals__, argdefs=function.__defaults__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def registered(code, **names) -> Registered:
    function = written(code, **names) if isinstance(code, str) else copied(code)
    function.__module__ = function.__qualname__ = "mine"
    register_architecture("mine")(function)
    return ARCHITECTURES["mine"]()


def identity(code, **names) -> str:
    return identified(registered(code, **names), WORDS, 2).built.identity


GRU = "x = keras.layers.GRU(3)(words)"
EDITS = {
    "another layer": "x = keras.layers.SimpleRNN(3)(words)",
    "another size": "x = keras.layers.GRU(4)(words)",
    "another activation": "x = keras.layers.GRU(3, activation='relu')(words)",
    "a rate that shows in training alone": "x = keras.layers.GRU(3, dropout=0.5)(words)",
    "another initializer": "x = keras.layers.GRU(3, kernel_initializer='he_normal')(words)",
    "a layer without weights": "x = keras.layers.Dropout(0.5)(keras.layers.GRU(3)(words))",
    "an operation": "x = keras.layers.GRU(3)(words) * 2.0",
    "another number in it": "x = keras.layers.GRU(3)(words) * 3.0",
    "a frozen layer": "x = keras.layers.GRU(3, trainable=False)(words)",
    "weights of its own": """
        layer = keras.layers.GRU(3)
        x = layer(words)
        layer.set_weights([np.ones_like(one) for one in layer.get_weights()])
    """,
    "other weights of its own": """
        layer = keras.layers.GRU(3)
        x = layer(words)
        layer.set_weights([np.full_like(one, 2) for one in layer.get_weights()])
    """,
    "an array in an initializer": """
        drawn = keras.initializers.Constant(np.arange(9.0).reshape(3, 3).tolist())
        x = keras.layers.GRU(3)(words)
        x = keras.layers.Dense(3, kernel_initializer=drawn)(x)
    """,
    "another array": """
        drawn = keras.initializers.Constant(np.arange(9.0, 0, -1).reshape(3, 3).tolist())
        x = keras.layers.GRU(3)(words)
        x = keras.layers.Dense(3, kernel_initializer=drawn)(x)
    """,
}


@pytest.mark.long
def test_each_edit_makes_another_network_and_taking_it_back_the_first():
    before = identity(GRU)
    found = {edit: identity(code) for edit, code in EDITS.items()}
    assert len({before, *found.values()}) == 1 + len(EDITS)
    assert identity(GRU) == before


def test_what_builds_the_same_is_the_same_whatever_else_was_built_before():
    before = identity(GRU)
    ids = keras.Input([None], dtype="int32", name="ids")
    keras.Model(ids, keras.layers.Dense(2)(keras.layers.Embedding(3, 4)(ids)) * 2.0)
    renamed = """
        # A comment, and other names.
        layer = keras.layers.GRU(1 + 2)
        x = layer(words)
    """
    assert identity(renamed) == before
    assert identified(registered(GRU), WORDS, 3).built.identity != before


class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x


class Tripled(keras.layers.Layer):
    def call(self, x):
        return 3 * x


def twice(x):
    return 2 * x


def thrice(x):
    return 3 * x


CODE = {
    "a layer of one's own": "x = Own(name='own')(keras.layers.GRU(3)(words))",
    "an activation": "x = keras.layers.Activation(own)(keras.layers.GRU(3)(words))",
    "a Lambda": "x = keras.layers.Lambda(own)(keras.layers.GRU(3)(words))",
}


@pytest.mark.parametrize("code", CODE.values(), ids=CODE)
def test_code_that_stands_in_no_configuration_is_told_too(code):
    # Both classes and functions have one name: only what they compute differs.
    Tripled.__name__, Tripled.__qualname__ = Doubled.__name__, Doubled.__qualname__
    thrice.__name__, thrice.__qualname__ = twice.__name__, twice.__qualname__
    with keras.saving.custom_object_scope({"Doubled": Doubled, "twice": twice}):
        one, other = (
            identity(code, Own=layer, own=function)
            for layer, function in ((Doubled, twice), (Tripled, thrice))
        )
        assert one != other and one == identity(code, Own=Doubled, own=twice)


SET = """
    table = keras.layers.Embedding(vocabulary_size, 3)
    x = keras.layers.GlobalAveragePooling1D()(table(ids))
    {}
"""
ASSIGNED = {
    "nothing": "pass",
    "rows of known words": (
        "rows = np.random.normal(0, 0.05, (vocabulary_size, 3)); rows[:5] = 1.0;"
        "table.set_weights([rows])"
    ),
    "other rows": (
        "rows = np.random.normal(0, 0.05, (vocabulary_size, 3)); rows[:5] = 2.0;"
        "table.set_weights([rows])"
    ),
    "more rows": (
        "rows = np.random.normal(0, 0.05, (vocabulary_size, 3)); rows[:6] = 1.0;"
        "table.set_weights([rows])"
    ),
    "drawn with another size": (
        "rows = np.random.normal(0, 0.06, (vocabulary_size, 3)); rows[:5] = 1.0;"
        "table.set_weights([rows])"
    ),
    "twice as large": "table.set_weights([2 * table.get_weights()[0]])",
    "ten times as large": "table.set_weights([10 * table.get_weights()[0]])",
    "one row": "table.embeddings[3].assign([1.0, 2.0, 3.0])",
    "seed 1": "keras.utils.set_random_seed(1); x = keras.layers.Dense(3)(x)",
    "seed 2": "keras.utils.set_random_seed(2); x = keras.layers.Dense(3)(x)",
}


def test_whether_flow_goes_through_it_is_told_before_it_is_trained():
    for made, flows in ((bag, True), (attention, False)):
        register_architecture(made.__name__)(made)
        model = ARCHITECTURES[made.__name__]()
        assert model.flows and identified(model, 9, 2).flows is flows


def test_whatever_a_function_sets_in_weights_is_part_of_it():
    found = {what: identity(SET.format(code)) for what, code in ASSIGNED.items()}
    assert len(set(found.values())) == len(ASSIGNED)
    assert {what: identity(SET.format(code)) for what, code in ASSIGNED.items()} == found


def test_weights_that_no_seed_changes_are_said():
    def said(code: str) -> str:
        model = identified(registered(SET.format(code)), WORDS, 2)
        recipe = Recipe(DataSettings("toy"), model, TrainingSettings())
        return " ".join(remarks_on(recipe))

    assert "seed" not in said("pass") and "reinit" not in said("pass")
    rows = said("rows = table.get_weights()[0]; rows[:5] = 1.0; table.set_weights([rows])")
    assert "Set by the network mine itself, in a reinit too: 5 of 20 rows of embedding_1" in rows
    assert "reinit" not in said("table.set_weights([2 * table.get_weights()[0]])")
    line = said("table.set_weights([np.arange(vocabulary_size * 3.0).reshape([-1, 3])])")
    assert "The same for every seed in the network mine: embedding_1/embeddings;" in line
    all_ = said(
        "table.set_weights([np.arange(vocabulary_size * 3.0).reshape([-1, 3])]);"
        "keras.utils.set_random_seed(1)"
    )
    assert "No weight of the network mine depends on the seed" in all_


def test_a_network_whose_file_changed_since_it_was_identified_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "vectors.npy"
    np.save(path, np.ones((5, 3), np.float32))
    code = SET.format("rows = table.get_weights()[0]; rows[:5] = np.load(path);"
                      "table.set_weights([rows])")  # fmt: skip
    model = identified(registered(code, path=path), WORDS, 2)
    np.save(path, np.zeros((5, 3), np.float32))
    monkeypatch.setattr(brought, "_VERIFIED", set())
    with pytest.raises(UserError, match="not built as it was when it was identified"):
        model.build(WORDS, 2, Initializers(1))


def test_weights_read_from_a_file_are_part_of_it(tmp_path):
    code = """
        table = keras.layers.Embedding(vocabulary_size, 3)
        x = keras.layers.GlobalAveragePooling1D()(table(ids))
        table.set_weights([np.load(path)])
    """
    path, made = tmp_path / "vectors.npy", []
    for value in (1.0, 2.0, 1.0):
        np.save(path, np.full((WORDS, 3), value, np.float32))
        made.append(identity(code, path=path))
    assert made[0] == made[2] != made[1]


def test_a_network_that_changes_between_two_builds_is_refused():
    calls: list[int] = []
    code = "calls.append(1)\nx = keras.layers.GRU(2 + len(calls))(words)"
    with pytest.raises(
        UserError, match="mine changes from one build to the next, in the layer gru"
    ):
        identity(code, calls=calls)


REFUSED = {
    "fails": ("raise RuntimeError('no\\nmore')", "mine cannot be built: RuntimeError: no"),
    "wrong logits": ("return keras.Model(ids, keras.layers.Dense(7)(words[:, 0]))", "network mine"),
    "nothing": ("return None", "network mine"),
    "Keras 3": ("return 3", "network mine"),
}


@pytest.mark.parametrize(("code", "why"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_trained_is_told_in_one_line_that_names_it(code, why):
    with pytest.raises(UserError, match=why) as told:
        identity(code)
    assert "\n" not in str(told.value)


def test_a_network_is_built_as_it_was_identified_or_not_at_all():
    model = identified(registered(GRU), WORDS, 2)
    edited = registered(EDITS["another layer"])
    # As in a worker that imports a module which was edited after the call began.
    revived = dataclasses.replace(edited, built=model.built)
    with pytest.raises(UserError, match="not built as it was when it was identified"):
        revived.build(WORDS, 2, Initializers(0))
    with pytest.raises(UserError, match="was edited since the ticket was found"):
        identified(revived, WORDS, 2)
    assert model.build(WORDS, 2, Initializers(0)).count_params()


def test_another_size_is_identified_anew():
    model = identified(registered(bag), WORDS, 2)
    other = with_sizes(model, dropout=0.5)
    assert other.built != model.built and other.dropout == 0.5
    assert with_sizes(other, dropout=0.1) == model
    with pytest.raises(UserError, match=r"has no keyword model\.layers"):
        with_sizes(model, layers=2)


def test_what_is_held_dense_and_what_padding_does_is_known():
    told = identified(registered(bag), WORDS, 2).built
    assert "Padding changes the scores of the network mine" in told.padding
    assert told.roles == Roles(("embedding/embeddings",), ("dense/kernel",))
    whole = identified(registered(attention), WORDS, 2).built
    assert not whole.padding and not whole.held
    frozen = identified(registered(EDITS["a frozen layer"]), WORDS, 2).built
    assert set(frozen.held) == {"gru/kernel", "gru/recurrent_kernel"}


@pytest.mark.long
def test_an_edit_on_disk_makes_another_network_in_the_next_process(tmp_path):
    check = (
        "import mine\n"
        "from tflottery.models.registry import ARCHITECTURES\n"
        "from tflottery.runs.identifying import identified\n"
        "print(identified(ARCHITECTURES['mine'](), 20, 2).built.identity)\n"
    )
    text = textwrap.dedent(
        """
        import tf_keras as keras
        import tflottery as tfl

        @tfl.register_architecture("mine")
        def build(vocabulary_size, classes):
            ids = keras.Input([None], dtype="int32")
            words = keras.layers.Embedding(vocabulary_size, 4)(ids)
            return keras.Model(ids, keras.layers.Dense(1)(keras.layers.GRU(3)(words)))
        """
    )
    told = []
    for code in (text, text.replace("GRU", "SimpleRNN")):
        (tmp_path / "mine.py").write_text(code)
        environment = {**user_environment(), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-c", check], cwd=tmp_path, env=environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        told.append(done.stdout.split()[-1])
    assert told[0] != told[1]


# What a ticket's configuration may say, and what it may not.


def plain(code, **names) -> keras.Model:
    return registered(code, **names).plain(WORDS, 2, 1)


@pytest.mark.parametrize("code", [attention, bag, GRU, EDITS["an array in an initializer"],
    "x = tf.reduce_max(tf.where((ids != 0)[..., None], words, -np.inf), 1)",
    "x = keras.layers.Bidirectional(keras.layers.LSTM(3))(words)",
])  # fmt: skip
def test_a_network_is_rebuilt_from_its_configuration(code):
    model = plain(code)
    kept = json.loads(json.dumps(portable(configuration(model)), allow_nan=False))
    again = rebuilt(kept)
    assert [one.name for one in again.layers] == [one.name for one in model.layers]
    named_weights.put(again, named_weights.get(model))
    ids = np.random.default_rng(0).integers(1, WORDS, (3, 7)).astype(np.int32)
    assert np.array_equal(again(ids), model(ids))


HOSTILE = {
    "a Lambda": (("layers", 2, "class_name"), "Lambda", "the layer gru carries code"),
    "a class elsewhere": (("layers", 2, "module"), "os", "the layer gru is a GRU"),
    "a class that is none": (("layers", 2, "class_name"), "System", "the layer gru is a System"),
    "a registered class": (("layers", 2, "registered_name"), "Own>GRU", "the layer gru is a GRU"),
    "a function": (("layers", 2, "class_name"), "function", "the layer gru is a function"),
    "writing": (("layers", 3, "config", "function"), "io.write_file", r"calls tf.io.write_file"),
    "Python": (("layers", 3, "config", "function"), "py_function", r"calls tf.py_function"),
    "an activation": (
        ("layers", 2, "config", "activation"),
        {"class_name": "function", "config": "system", "module": "os", "registered_name": "x"},
        "made by a function",
    ),
    "no model": (("layers", 2, "config", "units"), "x", "gives no model"),
}


@pytest.mark.parametrize(("path", "value", "why"), HOSTILE.values(), ids=HOSTILE)
def test_nothing_of_a_configuration_is_run(path, value, why):
    kept = portable(configuration(plain(EDITS["an operation"])))
    place = kept["config"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(RefusedError, match=why):
        rebuilt(kept)


@pytest.mark.parametrize("name", ["Lambda", "TFOpLambda", "StringLookup", "Evil", "GRU"])
@pytest.mark.parametrize("is_nested", [False, True])
def test_what_says_no_module_is_nobodys(name, is_nested):
    """Keras looks a class without a module up by its name alone, among more than its layers."""
    kept = portable(configuration(plain(EDITS["an operation"])))
    layer = kept["config"]["layers"][2]
    if is_nested:
        layer["config"]["kernel_initializer"] = {"class_name": name, "config": {}}
    else:
        layer["class_name"] = name
        layer.pop("module", None)
    with pytest.raises(RefusedError, match="the layer gru"):
        rebuilt(kept)


# Zero rows of an embedding are shared where ids do nothing else.


def network_of(code) -> Network:
    model = plain(code)
    kept = portable(configuration(model))
    from tflottery.models.roles import roles_of

    own = Rebuilt("mine", kept, roles_of(model, WORDS))
    weights = named_weights.get(model)
    for name in own.roles().embedding:
        weights[name][WORDS // 2 :] = 0
    return Network(own, WORDS, ("a", "b"), 9, weights)


@pytest.mark.parametrize(
    ("code", "shares"),
    [
        (attention, True),
        (bag, True),
        ("x = tf.reduce_sum(words, 1) + tf.cast(tf.reduce_sum(ids, 1, keepdims=True), 'float32')",
         False),
        ("x = words[:, 0] * tf.cast(ids[:, :1] != 3, 'float32')", False),
        ("x = tf.concat([words, keras.layers.Embedding(vocabulary_size, 2)(ids)], -1)[:, 0]", True),
        ("x = words[:, 0] + keras.layers.Embedding(vocabulary_size, 4)(ids // 2)[:, 0]", False),
    ],
)  # fmt: skip
def test_zero_rows_are_shared_where_ids_name_nothing_but_rows(code, shares):
    network = network_of(code)
    small = compact(network)
    assert (small.own_rows is not None) == shares
    assert (small.numbers < network.numbers) == shares
    ids = np.random.default_rng(0).integers(0, WORDS, (6, 9)).astype(np.int32)
    ids[:, 0] = 1
    scores = network.plain()(ids).numpy()
    assert np.array_equal(network.build()(ids).numpy(), scores)
    assert np.array_equal(small.build()(small.rows[ids]).numpy(), scores)
