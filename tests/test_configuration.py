"""Configurations: files, flags, --set, and errors that name the nearest right key."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.experiments import configuration
from tflottery.models.shipped.cnn import Cnn
from tflottery.models.shipped.gru import Gru
from tflottery.models.shipped.lstm import Lstm
from tflottery.models.shipped.transformer import Transformer
from tflottery.runs import recipes
from tflottery.runs.recipes import Recipe
from tflottery.settings import as_named
from tflottery.tickets.settings import PruningSettings
from tflottery.toml import assignment, parse_assignment
from tflottery.training.settings import TrainingSettings

NAMES = sorted(file.stem for file in configuration.shipped())


def test_every_configuration_that_ships_is_sound():
    assert {"toy", "imdb_cnn", "imdb_lstm", "week11_cnn", "week11_lstm"} <= set(NAMES)
    assert {"note_cnn", "note_lstm", "note_cnn_small", "note_lstm_small"} <= set(NAMES)
    for name in NAMES:
        assert configuration.load(name, {}).name == name


def test_contrasts_of_claims_are_no_configuration():
    with pytest.raises(UserError, match="no section 'arm'"):
        configuration.load("claims", {})
    assert configuration.load("", {"data.dataset": "claims"}).name == "defaults"


def test_week11_has_the_sizes_of_the_study():
    cnn, lstm = configuration.load("week11_cnn", {}), configuration.load("week11_lstm", {})
    assert (cnn.data.vocabulary_size, cnn.model) == (
        50_000,
        Cnn(embedding=100, widths=(3, 4, 5), filters=100, embedding_dropout=0.0),
    )
    assert (lstm.model.units, lstm.model.layers, lstm.data.vocabulary_size) == (256, 2, 25_000)
    assert (lstm.model.embedding_dropout, lstm.training.epochs, lstm.training.keep) == (
        0.5,
        5,
        "last",
    )
    assert (cnn.training.patience, cnn.training.misses) == (2, "in_all")


@pytest.mark.parametrize("name", ["note_cnn", "note_lstm", "note_cnn_small", "note_lstm_small"])
def test_the_notes_protocol_is_whole_at_every_size(name):
    chosen = configuration.load(name, {})
    data, model, training, pruning = chosen.data, chosen.model, chosen.training, chosen.pruning
    assert (data.dataset, data.split, data.tokens, data.validation) == (
        "imdb",
        "pooled",
        "words",
        0.2,
    )
    assert (model.embedding_init, model.embedding_scale, model.dropout) == ("normal", 1.0, 0.5)
    assert model.kernel_init == ("xavier_normal_2d" if model.name == "cnn" else "xavier_normal")
    assert model.word_dropout == 0
    assert (training.optimizer, training.learning_rate, training.epsilon) == ("adam", 5e-3, 1e-8)
    assert (training.decay, training.warmup, training.weight_decay) == ("none", 0, 0)
    assert (training.batch_size, training.monitor) == (64, "val_loss")
    assert (pruning.biases, pruning.embedding, pruning.head, pruning.rate) == (
        True,
        True,
        True,
        0.2,
    )
    assert (pruning.scope, pruning.criterion) == ("layerwise", "magnitude")
    arms = {"random:carried", "random:kept", "random", "original", "rewind:1ep", "rewind:end"}
    assert arms <= set(chosen.study.inits) and 0.972 in chosen.study.levels
    if model.name == "cnn":
        assert (training.patience, training.misses, training.keep) == (2, "in_all", "best")
        assert (model.widths, model.embedding_dropout) == ((3, 4, 5), 0)
    else:
        assert training.patience == training.epochs and training.keep == "last"
        assert (model.pooling, model.bidirectional, model.forget_bias) == ("last", True, False)
        assert model.embedding_dropout == 0.5


@pytest.mark.parametrize(
    ("dataset", "model", "chosen"),
    [
        ("imdb", "cnn", "imdb_cnn"),
        ("imdb_reviews", "lstm", "imdb_lstm"),
        ("imdb", "gru", "imdb_gru"),
        ("imdb", "transformer", "imdb_transformer"),
        ("toy", "cnn", "toy"),
        ("toy", "lstm", "toy_lstm"),
        ("reviews.csv", "cnn", "defaults"),
        ("../configs/imdb_cnn", "cnn", "defaults"),
    ],
)
def test_data_set_and_model_choose_the_configuration(dataset, model, chosen):
    loaded = configuration.load("", {"data.dataset": dataset, "model.name": model})
    assert (loaded.name, loaded.model.name, loaded.data.dataset) == (chosen, model, dataset)


def test_flags_win_over_the_file_and_set_wins_over_flags():
    loaded = configuration.load(
        "imdb_cnn",
        {"pruning.rate": 0.3, "pruning.sparsity": 0.5},
        ["pruning.rate=0.4", "model.widths=[2, 7]", "training.epochs = 9", "pruning.init=random"],
    )
    assert (loaded.pruning.rate, loaded.pruning.sparsity) == (0.4, 0.5)
    assert loaded.model.widths == (2, 7) and loaded.training.epochs == 9
    assert loaded.pruning.init == "random"


def test_another_model_leaves_the_sizes_of_the_first_behind():
    loaded = configuration.load("imdb_cnn", {"model.name": "lstm"})
    assert loaded.model == Lstm() and loaded.training.batch_size == 64


VALUES = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text()
    | st.sampled_from(["1", "true", "0.5", "[1]", "{a=1}", '"', "a\nb", "\x7f", " a ", "'", "nan"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(VALUES)
@example("\\")
def test_a_setting_is_written_as_it_is_read(value):
    text = assignment("data.it", value)
    assert "\n" not in text
    assert parse_assignment(text) == ("data.it", value)
    assert type(parse_assignment(text)[1]) is type(value)


def test_a_number_too_large_for_a_fraction_is_named():
    with pytest.raises(UserError, match=r"data\.validation is 1000"):
        configuration.load("imdb_cnn", {}, [f"data.validation={10**400}"])
    with pytest.raises(UserError, match="weight_decay is 0 or above"):
        configuration.load("imdb_cnn", {}, ["training.weight_decay=inf"])


def test_settings_are_recorded_as_set_takes_them_without_places():
    texts = ["data.skip_bad=true", "data.data_dir=/mine", "model.vectors=/mine/glove.txt"]
    kept = ("data.skip_bad=true", "model.vectors=glove.txt")
    assert configuration.recorded(texts) == kept
    values = {
        "data.skip_bad": True, "data.data_dir": "/mine", "model.vectors": Path("/mine/glove.txt"),
    }  # fmt: skip
    assert configuration.recorded(values) == kept
    assert configuration.recorded("data.skip_bad=true") == ("data.skip_bad=true",)
    rates = {"pruning.rates": {"embedding": 0.3, "conv_*": np.float64(0.2)}}
    (text,) = configuration.recorded(rates)
    assert text == 'pruning.rates={embedding=0.3, "conv_*"=0.2}'
    columns = {"data.text_column": "1", "data.label_column": 1}
    assert configuration.recorded((), columns) == ('data.text_column="1"', "data.label_column=1")


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("training.learning_rat=1", "no key training.learning_rat. Did you mean 'learning_rate'"),
        ("trainin.epochs=1", "no section 'trainin'. Did you mean 'training'"),
        ("training.epochs=many", "training.epochs is 'many'.*type int"),
        ("training.epochs=1.5", "type int"),
        ("training.epochs=true", "type int"),
        ("model.widths=3", "type list"),
        ("model.widths=[3, 'four']", "type int"),
        ("model.name=mlp", "no model 'mlp'. Known: cnn, gru, lstm, transformer"),
        ("model.units=3", "no key model.units"),
        ("pruning.embedding=1", "type bool"),
        ("pruning.sparsity=[1]", "type float or .auto."),
        ("data.fingerprint=x", "no key data.fingerprint"),
        ("epochs=3", "section.key=value"),
        ("training.epochs", "section.key=value"),
        ("data.max_length=0", "max_length"),
        ("pruning.metric=macro_f", "no metric 'macro_f'. Did you mean 'macro_f1'"),
        ("pruning.metric=3", "type str"),
        ("training.monitor=val_macro_f", "Did you mean 'val_macro_f1'"),
        ("training.class_weight=even", "class_weight is not 'even'"),
    ],
)
def test_a_wrong_setting_is_named_with_the_nearest_right_one(assignment, message):
    with pytest.raises(UserError, match=message):
        configuration.load("imdb_cnn", {}, [assignment])


def test_an_epsilon_that_the_optimizer_has_no_use_for_is_named_where_it_was_set():
    settings = {"training.optimizer": "sgd", "training.epsilon": 1e-5}
    for name in ("imdb_cnn", "scaled"):
        with pytest.raises(UserError, match=r"training\.epsilon is Adam's and RMSprop's; leave it"):
            configuration.load(name, {}, settings)
        made = configuration.load(name, {}, {"training.optimizer": "sgd"})
        assert made.training.optimizer == "sgd"
        configuration.load(name, {}, {**settings, "training.optimizer": "rmsprop"})
    with pytest.raises(UserError, match=r"training\.epsilon is Adam's and RMSprop's"):
        recipes.retarget(made.recipe, {}, {"training.epsilon": 1e-5})
    assert recipes.retarget(made.recipe, {}, {"training.epochs": 2}).training.optimizer == "sgd"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[training\n", "no TOML"),
        ("epochs = 3\n", "outside the tables"),
        ("[training]\nepoch = 3\n", "Did you mean 'epochs'"),
        ("\xff", "no TOML"),
    ],
)
def test_a_bad_file_is_named(tmp_path, content, message):
    path = tmp_path / "mine.toml"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=message):
        configuration.load(str(path), {})


def test_a_configuration_that_is_not_there():
    with pytest.raises(UserError, match="Did you mean 'imdb_cnn'"):
        configuration.load("imdb_cn", {})


def data_settings(vocabulary_from: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(
        DataSettings,
        vocabulary_size=st.integers(3, 10**6),
        max_length=st.integers(1, 10**4),
        validation=st.floats(0.01, 0.99),
        fingerprint=st.text("0123456789abcdef", max_size=8),
        train_size=st.integers(0, 10**6),
        vocabulary_from=vocabulary_from,
    )


settings = {
    "data": data_settings(
        st.lists(data_settings(st.just(())), max_size=2).map(tuple),
    ),
    "model": st.one_of(
        st.builds(
            Cnn,
            embedding=st.integers(1, 500),
            widths=st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True).map(tuple),
        ),
        st.builds(Lstm, units=st.integers(1, 99), bidirectional=st.booleans()),
        st.builds(Gru, units=st.integers(1, 99), pooling=st.sampled_from(["last", "max"])),
        st.builds(Transformer, heads=st.sampled_from([1, 2, 8]), positions=st.integers(1, 999)),
    ),
    "training": st.builds(
        TrainingSettings, learning_rate=st.floats(1e-6, 1), epochs=st.integers(1, 99)
    ),
}


@given(**settings)
def test_a_recipe_survives_its_tables(data, model, training):
    recipe = Recipe(data, model, training)
    tables = json.loads(json.dumps(recipes.recipe_to_tables(recipe)))
    assert recipes.recipe_from_tables(tables) == recipe


def test_a_recipe_for_other_data_keeps_network_and_text_settings():
    data = DataSettings(
        "mine.csv", "/data", text_column="review", max_length=77, fingerprint="f", train_size=9
    )
    recipe = Recipe(data, Cnn(filters=7), TrainingSettings(epochs=9))
    other = recipes.retarget(
        recipe, {"dataset": "yours.csv"}, {"training.epochs": 2, "data.label_column": "stars"}
    )
    assert other.model == recipe.model
    assert other.training == dataclasses.replace(recipe.training, epochs=2)
    assert other.data == DataSettings("yours.csv", max_length=77, label_column="stars")
    with pytest.raises(UserError, match="only data and training"):
        recipes.retarget(recipe, {}, {"model.filters": 9})


def test_where_data_lie_is_left_out_of_what_is_written():
    other = DataSettings("a", "/elsewhere")
    recipe = Recipe(DataSettings("b", "/here", vocabulary_from=(other,)), Cnn(), TrainingSettings())
    text = json.dumps(recipes.without_places(recipes.recipe_to_tables(recipe)))
    assert "here" not in text and '"dataset": "a"' in text


def test_defaults_are_immutable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        configuration.load("toy", {}).data.dataset = "imdb"


def test_a_name_made_of_settings_outlives_a_field_that_came_later():
    assert "metric" not in as_named(PruningSettings())
    named = {**as_named(PruningSettings()), "metric": "macro_f1"}
    assert as_named(PruningSettings(metric="macro_f1")) == named
    later = {
        "metric", "biases", "costs", "rates", "move_every", "move_until", "move_share",
        "attention_heads", "slimming",
    }  # fmt: skip
    older = {name for name in dataclasses.asdict(PruningSettings()) if name not in later}
    assert set(as_named(PruningSettings())) == older
