"""The defaults where no configuration fits: a function of how many texts there are."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tflottery
from tests.conftest import write_reviews
from tflottery.data import corpus
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings
from tflottery.data.sizes import Sizes, sizes_of
from tflottery.experiments import configuration, scaling
from tflottery.models.registry import ARCHITECTURES
from tflottery.models.shipped.cnn import Cnn
from tflottery.models.shipped.lstm import Lstm
from tflottery.tickets.settings import PruningSettings
from tflottery.training.settings import TrainingSettings

NONE_FITS = {"data.dataset": "mine.csv"}


def scaled(train: int, validation: int = 500, settings=(), **overrides):
    chosen = configuration.load("", {**NONE_FITS, **overrides}, settings)
    return scaling.scale(chosen, Sizes(train, validation, validation, 2))


def steps(chosen, train: int) -> int:
    return chosen.training.epochs * math.ceil(train / chosen.training.batch_size)


@given(st.integers(2, 10**7), st.integers(1, 10**6), st.sampled_from(sorted(ARCHITECTURES)))
def test_any_size_gives_enough_steps_or_as_many_epochs_as_help(train, validation, model):
    made = scaled(train, validation, **{"model.name": model})
    assert not made.to_scale and made.name == configuration.SCALED
    assert steps(made, train) >= scaling.STEPS or made.training.epochs == scaling.EPOCHS[1]
    assert scaling.EPOCHS[0] <= made.training.epochs <= scaling.EPOCHS[1]
    assert 1 <= made.training.patience <= made.training.epochs


@given(st.integers(2, 10**6), st.integers(1, 1000))
def test_more_texts_never_give_more_epochs_nor_a_coarser_tolerance(texts, more):
    few, many = scaled(texts, texts), scaled(texts + more, texts + more)
    assert few.training.epochs >= many.training.epochs
    assert few.pruning.tolerance >= many.pruning.tolerance


@pytest.mark.parametrize("model", [kind() for kind in ARCHITECTURES.values()])
def test_large_data_keep_the_defaults(model):
    enough = scaling.STEPS // 4 * 64
    made = scaled(enough, 200_000, **{"model.name": model.name})
    assert (made.model, made.training, made.pruning) == (
        model, TrainingSettings(), PruningSettings()
    )  # fmt: skip
    assert scaled(enough - 64, 200_000).training != TrainingSettings()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("training.epochs", 1),
        ("training.batch_size", 7),
        ("training.learning_rate", 0.5),
        ("training.patience", 3),
        ("training.decay", "cosine"),
        ("model.filters", 5),
        ("model.word_dropout", 0.0),
        ("pruning.tolerance", 0.0),
        ("pruning.tolerance", 0.5),
    ],
)
def test_what_is_set_wins_even_where_it_is_the_default(key, value):
    section, name = key.split(".")
    for made in (
        scaled(400, settings={key: value}),
        scaled(400, settings=[f"{key}={value}"]),
        scaled(400, **{key: value}),
    ):
        assert getattr(getattr(made, section), name) == value
        assert made.training.warmup < made.training.epochs


def test_epochs_follow_from_the_batches_that_were_set():
    assert scaled(1_920, settings=["training.batch_size=64"]).training.epochs == 20
    assert scaled(1_920, settings=["training.batch_size=32"]).training.epochs == 10
    # A rate for Adam is none for another optimizer.
    made = scaled(400, settings=["training.optimizer=sgd"])
    assert made.training.learning_rate == TrainingSettings().learning_rate


@given(st.integers(10, 50_000))
def test_two_equally_good_networks_are_rarely_further_apart_than_the_tolerance(texts):
    random = np.random.default_rng(texts)
    # On each text: only the one right, only the other, or both alike.
    share = scaling.DISAGREEMENT / 2
    only = random.multinomial(texts, [share, share, 1 - 2 * share], size=2_000)
    apart = 100 * np.abs(only[:, 0] - only[:, 1]) / texts
    assert (apart > scaling.resolution(texts)).mean() < 0.1


@pytest.mark.parametrize(
    ("texts", "points"), [(100, 6.5), (480, 3.0), (5_000, 1.0), (15_400, 0.5), (10**6, 0.5)]
)
def test_tolerances(texts, points):
    assert scaling.resolution(texts) == points


def test_a_file_of_the_defaults_holds_exactly_these():
    from_file = configuration.load("defaults", NONE_FITS)
    assert from_file == configuration.load("", NONE_FITS)
    assert from_file.recipe.model == Cnn() and from_file.training == TrainingSettings()
    assert configuration.load("defaults", {**NONE_FITS, "model.name": "lstm"}).model == Lstm()


@pytest.mark.parametrize(
    ("config", "dataset", "is_scaled"),
    [
        ("", "mine.csv", True),
        ("defaults", "mine.csv", False),
        ("imdb_cnn", "mine.csv", False),
        ("", "toy", False),
        ("scaled", "toy", True),
    ],
)
def test_only_what_no_configuration_fits_is_scaled(config, dataset, is_scaled):
    chosen = configuration.load(config, {"data.dataset": dataset})
    assert chosen.to_scale == is_scaled
    if not is_scaled:
        assert scaling.fit(chosen, DataSettings("nowhere.csv")) == (chosen, ())


@pytest.mark.parametrize("settings", [{}, {"train_size": 100}, {"validation": 0.5}])
def test_sizes_are_those_of_the_division_but_for_a_few_texts(tmp_path, settings):
    path = tmp_path / "mine.csv"
    # Each fifth text is there twice, and equal ones stay together.
    lines = [f"review {n - n % 5 % 2},{'good' if n % 3 else 'bad'}" for n in range(500)]
    path.write_text("\n".join(["text,label", *lines]) + "\n")
    data = sources.identify(DataSettings(str(path), **settings))
    made, sizes = corpus.load(data, tmp_path / "cache"), sizes_of(data)
    assert sizes.classes == 2
    for split in ("train", "validation", "test"):
        assert getattr(sizes, split) == pytest.approx(len(getattr(made, split)), abs=5)


def test_splits_of_ones_own_have_their_own_sizes(tmp_path):
    path = tmp_path / "split.csv"
    rows = [("train", 30), ("dev", 7), ("test", 5)]
    lines = [f"word{n} {split},{n % 2},{split}" for split, count in rows for n in range(count)]
    path.write_text("\n".join(["text,label,split", *lines]) + "\n")
    assert sizes_of(DataSettings(str(path))) == Sizes(30, 7, 5, 2)
    assert sizes_of(DataSettings("toy")) == Sizes(4_000, 1_000, 2_000, 2)


def test_a_search_says_what_was_scaled(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_reviews(tmp_path / "mine.csv", copies=60)
    planned = tflottery.find_ticket("mine.csv", dry_run=True)
    said = " ".join(capsys.readouterr().out.split())
    assert "No configuration is for mine: the defaults are scaled to about" in said
    made = planned.plan.dense.recipe.training
    assert f"{made.epochs} epochs of" in said
    assert f"tolerance {planned.plan.settings.tolerance:g} points" in said
    as_before = tflottery.find_ticket("mine.csv", config="defaults", dry_run=True)
    assert "scaled" not in capsys.readouterr().out
    recipe = as_before.plan.dense.recipe
    assert dataclasses.replace(recipe.data, dataset="", fingerprint="", division=1) == (
        DataSettings(dataset="")
    )
    assert (recipe.model, recipe.training) == (Cnn(), TrainingSettings())
    assert as_before.plan.settings == PruningSettings()


@pytest.mark.parametrize("call", [tflottery.run_study, tflottery.tune_learning_rate])
def test_studies_and_searches_of_rates_scale_alike(tmp_path, monkeypatch, capsys, call):
    monkeypatch.chdir(tmp_path)
    write_reviews(tmp_path / "mine.csv", copies=60)
    dense = tflottery.find_ticket("mine.csv", seed=1, dry_run=True, progress=False).plan.dense
    planned = call(dataset="mine.csv", seeds=1, dry_run=True)
    assert "No configuration is for mine" in capsys.readouterr().out
    assert dense.key in set(planned.runs["run_key"])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"data.train_size": 500}, "toy has 6 epochs of 7 steps for about 400 training texts"),
        ({}, ""),
        ({"data.train_size": 500, "training.epochs": 1}, ""),
    ],
)
def test_a_part_of_data_that_a_configuration_fits_is_told_of_few_steps(settings, said):
    chosen = configuration.load("", {"data.dataset": "toy"}, settings)
    made, lines = scaling.fit(chosen, chosen.data)
    assert made == chosen and (said in " ".join(lines)) and bool(lines) == bool(said)
