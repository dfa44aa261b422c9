"""Sizes that no machine has room or time for: one line, before anything is built."""

from __future__ import annotations

import dataclasses
import typing

import numpy as np
import pytest

import tflottery as tfl
from tests.conftest import SMALL, write_reviews
from tflottery import memory
from tflottery.data import corpus as corpora
from tflottery.data import encoding
from tflottery.errors import TflotteryError, TrainingError, UserError
from tflottery.experiments import configuration, driver
from tflottery.models.architecture import Initializers
from tflottery.models.shapes import Shaped
from tflottery.models.shipped.cnn import Cnn
from tflottery.runs.footprint import Encoding, require_memory
from tflottery.runs.realise import Realiser
from tflottery.runs.recipes import Recipe
from tflottery.runs.store import Store
from tflottery.tickets import plan as plans
from tflottery.tickets.settings import PruningSettings
from tflottery.training.settings import TrainingSettings


def whole_numbers() -> dict[str, str]:
    """Every key whose values are whole numbers, and the network that has it."""
    found = {}
    for section in configuration.SECTIONS:
        for _, kind in configuration.kinds(section):
            for name, hint in typing.get_type_hints(kind).items():
                if hint in (int, tuple[int, ...]) and name != "division":
                    found[f"{section}.{name}"] = getattr(kind, "name", "")
    return found


KEYS = whole_numbers()
# A seed may be any number; those that a search tries are checked with their training.
ANY = {"data.split_seed", "tuning.batch_size"}
NONE = {"data.train_size", "study.dense_again", "study.more_dense", "study.convergence_validations"}


def load(key: str, value: int) -> configuration.Configuration:
    is_list = key in ("model.widths", "tuning.batch_size")
    network = {"model.name": KEYS[key]} if KEYS[key] else {}
    return configuration.load("", network, {key: [value] if is_list else value})


@pytest.mark.parametrize("key", sorted(set(KEYS) - ANY))
@pytest.mark.parametrize("value", [10**10, 10**30, 0, -1])
def test_every_size_has_bounds_that_are_said(key, value):
    if value == 0 and key in NONE:
        return
    with pytest.raises(UserError, match=rf"^{key} is ") as told:
        load(key, value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "assignment",
    ["model.embedding=1000000", "data.max_length=1000000000", "data.vocabulary_size=1000000000",
     "training.epochs=1000000000", "training.batch_size=1000000000000", "model.widths=[2, 20000]",
     "model.filters=0", "model.filters=-1", "training.epochs=0", "data.max_length=-1"],
)  # fmt: skip
def test_a_dry_run_refuses_what_no_run_could_do(assignment):
    with pytest.raises(UserError, match=rf"^{assignment.partition('=')[0]} is from \d"):
        tfl.find_ticket("toy", set=[assignment], dry_run=True)


def test_numbers_without_end_are_one_line(tmp_path):
    for number, text in enumerate(
        [
            "[data]\nmax_length = " + "[" * 3_000 + "]" * 3_000,
            "[data]\nmax_length = " + "9" * 5_000,
            "[data]\nmax_length = 1e99999",
            "[training]\nlearning_rate = nan",
        ]
    ):
        path = tmp_path / f"{number}.toml"
        path.write_text(text)
        with pytest.raises(UserError) as told:
            configuration.load(path, {})
        assert "\n" not in str(told.value) and len(str(told.value)) < 300
    for value in ("[" * 3_000 + "]" * 3_000, "9" * 5_000):
        with pytest.raises(UserError) as told:
            configuration.load("toy", {}, [f"data.max_length={value}"])
        assert "\n" not in str(told.value) and len(str(told.value)) < 300


@pytest.mark.parametrize("name", sorted(SMALL))
def test_a_network_is_refused_where_its_weights_do_not_fit(name, small_corpus, monkeypatch):
    model, words = SMALL[name], len(small_corpus.vocabulary)
    assert isinstance(model, Shaped)
    weights = sum(np.prod(shape) for shape in model.shapes(words, 2).values())
    for optimizer, each in (("adam", 32), ("rmsprop", 24), ("sgd", 16)):
        training = TrainingSettings(optimizer=optimizer, batch_size=1)
        recipe = Recipe(small_settings_of(small_corpus), model, training)
        needed = each * weights
        monkeypatch.setattr(memory, "whole", lambda needed=needed: needed)
        require_memory(recipe, 2, Encoding.of(small_corpus))
        monkeypatch.setattr(memory, "whole", lambda needed=needed: needed - 1)
        with pytest.raises(UserError, match=rf"^Training {weights:,} weights takes at least"):
            require_memory(recipe, 2, Encoding.of(small_corpus))
    # Not yet encoded, the vocabulary may be small.
    require_memory(recipe, 2)
    # Where nothing is known, nothing is refused.
    monkeypatch.setattr(memory, "whole", lambda: None)
    require_memory(recipe, 2, Encoding.of(small_corpus))


def small_settings_of(corpus):
    return configuration.load("toy", {}).data


@pytest.mark.parametrize("name", sorted(SMALL))
def test_no_more_weights_are_counted_than_are_built(name):
    built = SMALL[name].build(50, 3, Initializers(0))
    counted = sum(np.prod(shape) for shape in SMALL[name].shapes(50, 3).values())
    assert 0.8 * built.count_params() < counted <= built.count_params()


def test_a_batch_is_refused_where_its_vectors_do_not_fit(small_corpus, monkeypatch):
    settings, longest = small_settings_of(small_corpus), int(small_corpus.train.lengths.max())
    model = dataclasses.replace(SMALL["cnn"], filters=1, widths=(1,))
    for size, texts in ((3, 3), (10**6, len(small_corpus.train))):
        recipe = Recipe(settings, model, TrainingSettings(batch_size=size))
        needed = 8 * texts * longest * 8
        weights = 32 * sum(
            np.prod(shape) for shape in model.shapes(len(small_corpus.vocabulary), 2).values()
        )
        monkeypatch.setattr(memory, "whole", lambda both=(needed, weights): max(both))
        require_memory(recipe, 2, Encoding.of(small_corpus))
    monkeypatch.setattr(memory, "whole", lambda: needed - 1)
    assert needed - 1 > weights
    with pytest.raises(UserError, match=f"^A batch of {texts} texts of up to {longest} words"):
        require_memory(recipe, 2, Encoding.of(small_corpus))


def test_a_call_refuses_before_it_encodes(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "whole", lambda: 1_000)
    monkeypatch.setattr(encoding, "encode", lambda *_, **__: pytest.fail("encoded"))
    for dry_run in (True, False):
        with pytest.raises(
            UserError, match=r"weights takes at least .* and this machine has 0.0 GB"
        ):
            tfl.find_ticket("toy", store=tmp_path, dry_run=dry_run)
    assert list(tmp_path.iterdir()) == []


def test_what_was_counted_in_the_data_tells_as_much_as_the_data(tmp_path, monkeypatch):
    """So that a call refuses once they are encoded, before TensorFlow, and then a dry run too."""
    path = write_reviews(tmp_path / "small.csv")
    chosen = {"store": tmp_path / "runs", "output": tmp_path / "t", "progress": False}
    made = tfl.inspect(path)
    size = Encoding.found(made.findings)
    assert size.texts == made.findings.splits["train"].texts and size.longest == 6
    shapes = Cnn(filters=1).shapes
    some, all_ = (32 * sum(map(np.prod, shapes(n, 2).values())) for n in (3, size.vocabulary))
    monkeypatch.setattr(memory, "whole", lambda: (some + all_) // 2)
    monkeypatch.setattr(driver, "keep_vectors", lambda *_: pytest.fail("went on"))
    changes = {"model.filters": 1, "model.embedding": 100, "model.widths": [3, 4, 5]}
    tfl.find_ticket(path, set=changes, dry_run=True, **chosen)
    for dry_run in (False, True):
        with pytest.raises(
            UserError, match=rf"largest tensor is embedding/embeddings \[{size.vocabulary} x 100\]"
        ):
            tfl.find_ticket(path, set=changes, dry_run=dry_run, **chosen)


class ResourceExhaustedError(Exception):
    """As TensorFlow calls its own."""


@pytest.mark.parametrize("kind", [MemoryError, ResourceExhaustedError])
def test_memory_that_runs_out_while_texts_are_encoded_is_one_line(
    kind, small_settings, tmp_path, monkeypatch
):
    def fails(*_, **__):
        raise kind("Unable to allocate 7.45 GiB\nfor an array")

    monkeypatch.setattr(corpora, "encode", fails)
    with pytest.raises(TflotteryError, match=r"^Out of memory while small was encoded; take fewer"):
        corpora.load(small_settings, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [MemoryError, ResourceExhaustedError])
def test_memory_that_runs_out_while_a_network_is_built_is_one_line(
    kind, small_settings, tmp_path, monkeypatch
):
    def fails(*_, **__):
        raise kind("OOM when allocating tensor with shape[1,2]")

    monkeypatch.setattr(type(SMALL["cnn"]), "build", fails)
    model = dataclasses.replace(SMALL["cnn"], filters=7)  # of which no trainer is kept
    recipe = Recipe(small_settings, model, TrainingSettings(epochs=1))
    plan = plans.make_plan(recipe, PruningSettings(), 1)
    with pytest.raises(TrainingError, match=r"^out of memory; choose smaller sizes"):
        Realiser(Store(tmp_path / "runs"), plan.specs())(plan.dense)


def test_a_command_that_runs_out_of_memory_says_so(monkeypatch, capsys):
    from tflottery.cli import inspect as command

    def fails(*_, **__):
        raise MemoryError

    monkeypatch.setattr("tflottery.experiments.inspecting.sources.look", fails)
    assert command.main(["--dataset", "toy"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("inspect: out of memory.") and said.count("\n") == 1


def test_this_machine_has_some_memory():
    assert memory.whole() is None or memory.whole() > 2**27
