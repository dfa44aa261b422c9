"""Specs and keys: equal for equal runs, different for different ones, stable over versions."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflottery.data.settings import DataSettings
from tflottery.models.shipped.cnn import Cnn
from tflottery.models.shipped.gru import Gru
from tflottery.models.shipped.lstm import Lstm
from tflottery.models.shipped.transformer import Transformer
from tflottery.pruning.masks import By, To
from tflottery.runs import specs
from tflottery.runs.inits import EmbeddingFrom, Snapshot
from tflottery.runs.moving import LastOf, Moving
from tflottery.runs.pruned import GraduallyPruned, Pruned
from tflottery.runs.recipes import Recipe
from tflottery.runs.scaled import Scaled
from tflottery.runs.shuffled import Shuffled, ShuffledWords
from tflottery.runs.specs import Dense, Fresh, RunSpec, ancestry, snapshots_wanted
from tflottery.runs.transferred import Fit, TransferredMask
from tflottery.training.settings import TrainingSeeds, TrainingSettings

RECIPE = Recipe(DataSettings(fingerprint="f"), Cnn(), TrainingSettings())
GOAL = To(0.8)
DENSE = RunSpec(RECIPE, Dense(), Fresh(1), TrainingSeeds(1, 1))


def child(parent: RunSpec, **changes) -> RunSpec:
    spec = dataclasses.replace(parent, mask=Pruned(parent, By(0.2)), init=Snapshot(DENSE, "0ep"))
    return dataclasses.replace(spec, **changes)


ROUND = child(DENSE)
DIFFERENT = [
    DENSE,
    dataclasses.replace(DENSE, init=Fresh(2)),
    dataclasses.replace(DENSE, seeds=TrainingSeeds(2, 1)),
    dataclasses.replace(DENSE, seeds=TrainingSeeds(1, 2)),
    dataclasses.replace(DENSE, version=specs.SPEC_VERSION + 1),
    *(
        dataclasses.replace(DENSE, recipe=dataclasses.replace(RECIPE, model=model))
        for model in (Lstm(), Gru(), Gru(pooling="mean"), Transformer(), Transformer(heads=2))
    ),
    dataclasses.replace(DENSE, recipe=dataclasses.replace(RECIPE, model=Cnn(widths=(3, 4)))),
    dataclasses.replace(
        DENSE, recipe=dataclasses.replace(RECIPE, data=DataSettings(fingerprint="g"))
    ),
    dataclasses.replace(
        DENSE, recipe=dataclasses.replace(RECIPE, training=TrainingSettings(epochs=9))
    ),
    ROUND,
    child(ROUND),
    child(DENSE, mask=Pruned(DENSE, To(0.2))),
    *(
        child(DENSE, mask=Pruned(DENSE, By(0.2), scope=scope))
        for scope in ("global", "global:normalised", "lamp", "erk", "uniform+")
    ),
    child(DENSE, mask=Pruned(DENSE, By(0.2), rates=(("*", 0.2),))),
    child(DENSE, mask=Pruned(DENSE, By(0.2), rates=(("*", 0.2), ("head", 0.0)))),
    child(DENSE, mask=Pruned(DENSE, By(0.2), criterion="random")),
    child(DENSE, mask=Pruned(DENSE, By(0.2), criterion="snip")),
    child(DENSE, mask=Pruned(DENSE, By(0.2), criterion="snip", inverted=True)),
    child(DENSE, mask=Pruned(DENSE, By(0.2), criterion="taylor_units")),
    child(DENSE, mask=Pruned(DENSE, By(0.2), embedding=False)),
    child(DENSE, mask=Pruned(DENSE, By(0.2), head=False)),
    child(DENSE, mask=Pruned(DENSE, By(0.2), biases=True)),
    child(DENSE, mask=Pruned(DENSE, By(0.2), criterion="filters", attention_heads=True)),
    child(DENSE, init=EmbeddingFrom(Snapshot(DENSE, "0ep"), Fresh(1))),
    *(
        dataclasses.replace(DENSE, recipe=dataclasses.replace(RECIPE, **change))
        for change in (
            {"model": Cnn(embedding_init="normal")},
            {"model": Cnn(vectors_hash="v")},
            {"model": Cnn(vectors_hash="w")},
            {"model": Cnn(vectors_hash="v", vectors_scale=0.3)},
            {"model": Cnn(vectors_hash="v", vectors_frozen=True)},
            {"model": Cnn(kernel_init="xavier_normal")},
            {"model": Cnn(kernel_init="xavier_normal_2d")},
            {"training": TrainingSettings(misses="in_all")},
            {"training": TrainingSettings(keep="last")},
        )
    ),
    child(DENSE, mask=Moving("rigl", 0.8, 0.25, 0.75, 0.3, seed=1)),
    child(DENSE, mask=Moving("rigl", 0.8, 0.25, 0.75, 0.3, seed=2)),
    child(DENSE, mask=Moving("set", 0.8, 0.25, 0.75, 0.3, seed=1)),
    child(DENSE, mask=Moving("movement", 0.8, 0.25, 0.75, 0.0, seed=1)),
    child(DENSE, mask=LastOf(ROUND)),
    child(DENSE, mask=Scaled(Dense(), 0.1, ("conv_3",))),
    child(DENSE, mask=Scaled(Dense(), 0.2, ("conv_3",))),
    child(DENSE, mask=Scaled(Dense(), 0.1, ("conv_4",))),
    child(DENSE, mask=Scaled(ROUND.mask, 0.1, ("conv_3",))),
    child(DENSE, mask=Shuffled(Pruned(DENSE, By(0.2)), seed=1)),
    child(DENSE, mask=Shuffled(Pruned(DENSE, By(0.2)), seed=2)),
    child(DENSE, init=Snapshot(DENSE, "1ep")),
    child(DENSE, init=Fresh(1)),
]


def test_different_runs_have_different_keys_and_equal_ones_the_same():
    assert len({spec.key for spec in DIFFERENT}) == len(DIFFERENT)
    for spec in DIFFERENT:
        copy = dataclasses.replace(spec)
        assert copy == spec and copy.key == spec.key and hash(copy) == hash(spec)


def test_where_data_lies_is_no_part_of_the_key():
    moved = DataSettings(dataset="other name", data_dir="/elsewhere", fingerprint="f")
    recipe = dataclasses.replace(RECIPE, data=moved)
    assert dataclasses.replace(DENSE, recipe=recipe).key == DENSE.key


def test_keys_are_what_they_were():
    """If these change, the runs in every store are lost: raise SPEC_VERSION instead."""
    assert DENSE.key == KNOWN["dense"]
    assert ROUND.key == KNOWN["round"]
    for name in ("random", "filters"):
        assert child(DENSE, mask=Pruned(DENSE, By(0.2), criterion=name)).key == KNOWN[name]
    for model in (Gru(), Transformer()):
        spec = dataclasses.replace(DENSE, recipe=dataclasses.replace(RECIPE, model=model))
        assert spec.key == KNOWN[model.name]
    # Of units of the transformer, from when it told of no heads.
    pruned = child(spec, mask=Pruned(spec, By(0.2), criterion="taylor_units"))
    assert pruned.key == KNOWN["units of the transformer"]


KNOWN = {
    "dense": "8b6d5df22a8c4473ab4fe58bff9bdb97fdf4da692abed8071ef97ac54ce56d70",
    "round": "a451abe11a0f459c5ea7b49e17ec8bc038c97e6926be939de0000f0fece8d5c3",
    "random": "c373a3df775cb0a76291428484b1d92342acf821b50a6c406274543de0995b99",
    "filters": "1b27fa4b31b0f6ade3cfe66a71bbdb8ea47175eae92dde62e20a00d2f94dc231",
    "gru": "920d17f73177178571ab2b3d2928c55292b10da7edf88bab2ea762e9fc1d545d",
    "transformer": "f494fcc1254a182ec866a23881f427cfa00d4673aedcafaf478132abcd3a889c",
    "units of the transformer": "673a04661b4e876218185a61ff5d919229297585be67b74af55bcf6a0e433bfc",
}


# A default is left out of keys, so another default would give the old keys to other trainings: it
# may never change (a new field may come, or SPEC_VERSION goes up).
VECTORS = {"vectors_hash": "", "vectors_scale": 1.0, "vectors_frozen": False}
DEFAULTS = {
    DataSettings: {
        "text_column": "text", "label_column": "label", "vocabulary_size": 20_000,
        "max_length": 400, "validation": 0.2, "fingerprint": "", "train_size": 0,
        "vocabulary_from": (), "division": 1, "tokens": "words", "symbols": False, "keep": "head",
        "split": "given", "split_seed": 0,
    },
    Cnn: {
        "embedding": 100, "widths": (3, 4, 5), "filters": 100, "embedding_scale": 0.05,
        "word_dropout": 0.0, "embedding_dropout": 0.2, "dropout": 0.5,
        "embedding_init": "uniform", "kernel_init": "glorot_uniform", **VECTORS,
    },
    Lstm: {
        "embedding": 64, "units": 32, "layers": 1, "bidirectional": True, "forget_bias": True,
        "pooling": "last", "embedding_scale": 0.05, "word_dropout": 0.0, "embedding_dropout": 0.2,
        "dropout": 0.5, "embedding_init": "uniform", "kernel_init": "glorot_uniform", **VECTORS,
    },
    Gru: {
        "embedding": 64, "units": 32, "layers": 1, "bidirectional": True, "pooling": "last",
        "embedding_scale": 0.05, "word_dropout": 0.0, "embedding_dropout": 0.2, "dropout": 0.5,
        "embedding_init": "uniform", "kernel_init": "glorot_uniform", **VECTORS,
    },
    Transformer: {
        "embedding": 64, "heads": 4, "feed_forward": 128, "layers": 1, "positions": 400,
        "embedding_scale": 0.05, "word_dropout": 0.0, "embedding_dropout": 0.0,
        "block_dropout": 0.1, "dropout": 0.5, "embedding_init": "uniform",
        "kernel_init": "glorot_uniform", **VECTORS,
    },
    TrainingSettings: {
        "optimizer": "adam", "learning_rate": 0.001, "warmup": 0.0, "decay": "none",
        "epsilon": 1e-7, "weight_decay": 0.0, "batch_size": 64, "epochs": 4, "patience": 1,
        "monitor": "val_loss", "validations_per_epoch": 1, "class_weight": "none",
        "misses": "in_a_row", "keep": "best",
    },
    Pruned: {
        "scope": "layerwise", "criterion": "magnitude", "embedding": True, "head": True, "seed": 0,
        "biases": False, "rates": (), "computes": "", "inverted": False, "attention_heads": False,
        "activations": 1, "distances": 1, "rounds": 1,
    },
    GraduallyPruned: {"over": 0.5, "embedding": True, "head": True, "biases": False},
    Moving: {
        "scope": "layerwise", "embedding": True, "head": True, "biases": False, "rates": (),
    },
    Fit: {"words_of": None, "without": (), "seed": 0},
    TransferredMask: {"like": "table"},
    ShuffledWords: {"dealt": False, "others": True},
}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "criterion", "version"),
    [
        (Lstm(pooling="max"), "taylor_units", 2),
        (Lstm(layers=2), "activation_norm", 2),
        (Gru(pooling="mean"), "latency", 2),
        (Lstm(pooling="max"), "filters", 1),
        (Lstm(pooling="max"), "snip", 1),
        (Lstm(), "taylor_units", 1),
        (Lstm(pooling="max", bidirectional=False), "taylor_units", 1),
        (Cnn(), "taylor_units", 1),
    ],
)
def test_what_was_scored_with_padding_at_the_wrong_end_has_another_key_now(
    model, criterion, version
):
    run = dataclasses.replace(DENSE, recipe=dataclasses.replace(RECIPE, model=model))
    mask = Pruned(run, By(0.2), criterion=criterion)
    assert mask.activations == version
    # What was scored as ever has the key that it had.
    assert specs.canonical_form(mask).get("activations", 1) == version
    assert dataclasses.replace(mask, amount=By(0.3)).activations == version


def test_rounds_that_could_give_a_weight_back_have_another_key_now():
    def pruned(amount=GOAL, criterion="synflow", **changes):
        return Pruned(DENSE, amount, criterion=criterion, **changes)

    rates = {"rates": (("*", 0.2),)}
    for other in (pruned(scope="erk"), pruned(By(0.2), scope="uniform+"), pruned(**rates)):
        assert specs.canonical_form(other)["rounds"] == 2
    for same in (
        pruned(), pruned(scope="global"), pruned(By(0.2), **rates), pruned(scope="lamp"),
        pruned(criterion="snip", scope="erk"), pruned(criterion="taylor", **rates),
    ):  # fmt: skip
        assert "rounds" not in specs.canonical_form(same)


def test_what_was_scored_by_distances_over_pruned_inputs_has_another_key_now():
    def pruned(of, scope="global", **changes):
        return Pruned(of, By(0.2), **{"criterion": "geometric_median", "scope": scope, **changes})

    once = dataclasses.replace(DENSE, mask=pruned(DENSE))
    assert pruned(once).distances == 2
    assert specs.canonical_form(pruned(once))["distances"] == 2
    of_rates = pruned(once, rates=(("embedding", 0.05),))
    for same in (
        pruned(DENSE), pruned(once, "layerwise"), pruned(once, "global:normalised"), of_rates,
        pruned(once, criterion="filters"),
    ):  # fmt: skip
        assert "distances" not in specs.canonical_form(same)


@pytest.mark.parametrize("kind", DEFAULTS, ids=lambda kind: kind.__name__)
def test_defaults_that_keys_leave_out_are_what_they_were(kind):
    fields = {
        item.name: item.default
        for item in dataclasses.fields(kind)
        if item.metadata.get("key", True) and item.default is not dataclasses.MISSING
    }
    assert {name: fields[name] for name in DEFAULTS[kind]} == DEFAULTS[kind]


def test_a_new_field_at_its_default_leaves_old_keys_alone():
    @dataclass(frozen=True)
    class Fresh:  # the name is part of the canonical form
        seed: int
        scale: float = 1.0

    known = specs.canonical_form(specs.Fresh(1))
    assert specs.canonical_form(Fresh(1)) == known
    assert specs.canonical_form(Fresh(1, 2.0)) != known


def test_data_without_a_fingerprint_has_no_key():
    recipe = dataclasses.replace(RECIPE, data=DataSettings())
    with pytest.raises(ValueError, match="fingerprint"):
        _ = dataclasses.replace(DENSE, recipe=recipe).key


def test_ancestry_has_parents_first_and_each_once():
    last = child(child(ROUND))
    ordered = ancestry([last, ROUND, DENSE])
    assert ordered == [DENSE, ROUND, child(ROUND), last]


def test_a_chain_may_have_hundreds_of_rounds():
    chain = [DENSE]
    for number in range(400):
        chain.append(child(chain[-1], seeds=TrainingSeeds(number, 1)))
    assert ancestry(chain[-1:]) == chain


def test_the_snapshots_that_descendants_want():
    late = child(ROUND, init=Snapshot(DENSE, "500it"))
    wanted = snapshots_wanted([late, child(ROUND)])
    assert wanted[DENSE.key] == {"end", "500it", "0ep"}
    assert wanted[ROUND.key] == {"end"} and wanted[late.key] == set()


@given(st.integers(0, 2**31), st.floats(0.01, 0.99), st.integers(1, 10**6))
def test_keys_are_hexadecimal_and_repeatable(seed, fraction, number):
    spec = child(
        DENSE, mask=Pruned(DENSE, To(fraction)), init=Snapshot(DENSE, f"{number}it"),
        seeds=TrainingSeeds(seed, seed),
    )  # fmt: skip
    assert len(bytes.fromhex(spec.key)) == 32
    assert dataclasses.replace(spec).key == spec.key
