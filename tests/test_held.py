"""A model that was saved and loaded holds its mask."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tf_keras as keras

from tests.conftest import SMALL, same_arrays
from tests.exported import CLASSES, VOCABULARY, make_ticket
from tests.networks import Brought
from tflottery.errors import UserError
from tflottery.experiments.transfer.remarks import headline
from tflottery.models import weights
from tflottery.models.architecture import Initializers
from tflottery.pruning import masks
from tflottery.pruning.held import masks_of
from tflottery.pruning.masks import To
from tflottery.pruning.tfmot_model import TfmotModel
from tflottery.runs.store import Store
from tflottery.tickets.ticket import load_ticket

WORDS = len(VOCABULARY)
RANDOM = np.random.default_rng(0)
IDS = RANDOM.integers(1, WORDS, (16, 9)).astype(np.int32)
LABELS = RANDOM.integers(0, 2, 16)

# What any user writes, who imports Keras alone.
ELSEWHERE = """
import sys, numpy as np, tf_keras as keras
model = keras.models.load_model(sys.argv[1])
assert "tflottery" in sys.modules, "Keras finds the class by its module"
model.fit(np.ones((4, 9), "int32"), np.array([0, 1, 1, 0]), verbose=0)
model.save(sys.argv[1])
"""


def fit(model: keras.Model) -> None:
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(IDS, LABELS, batch_size=8, epochs=2, verbose=0)


def held(plain: keras.Model, biases: bool = False) -> tuple[keras.Model, masks.Masks]:
    """A stripped model of drawn weights, two thirds of them pruned, and its masks."""
    masked = TfmotModel(plain, biases=biases)
    scores = {name: np.abs(value) for name, value in masked.weights().items()}
    mask = masks.prune(masks.dense(masked.prunable), scores, To(0.67))
    masked.load(mask, masked.weights())
    return masked.strip(), mask


def require_held(model: keras.Model, mask: masks.Masks) -> None:
    now = weights.get(model)
    assert all(not now[name][~kept].any() for name, kept in mask.items())
    assert any(now[name][kept].any() for name, kept in mask.items())


@pytest.mark.parametrize("ending", [".keras", pytest.param(".h5", marks=pytest.mark.long)])
@pytest.mark.parametrize(
    "network", ["cnn", *(pytest.param(one, marks=pytest.mark.long) for one in ("gru", "lstm"))]
)
def test_zeros_hold_after_save_load_and_fit(network, ending, tmp_path):
    model, mask = held(SMALL[network].build(WORDS, 2, Initializers(1)))
    fit(model)
    model.save(tmp_path / f"m{ending}")
    loaded = keras.models.load_model(tmp_path / f"m{ending}")
    assert same_arrays(masks_of(loaded), mask)
    assert same_arrays(weights.get(loaded), weights.get(model))
    assert np.array_equal(loaded(IDS), model(IDS))
    before = weights.get(loaded)
    loaded.fit(IDS, LABELS, verbose=0)
    require_held(loaded, mask)
    assert not same_arrays(weights.get(loaded), before)


@pytest.mark.parametrize(
    "network",
    ["shared_and_constrained", pytest.param("both_ways", marks=pytest.mark.long)],
)
def test_a_network_of_one_s_own_keeps_its_mask_and_its_own_constraints(network, tmp_path):
    model, mask = held(Brought(network).build(WORDS, 2, Initializers(1)), biases=True)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    fit(loaded)
    require_held(loaded, mask)
    own = [type(v.constraint.own) for v in loaded.trainable_weights]
    assert own == [type(v.constraint.own) for v in model.trainable_weights]


@pytest.mark.parametrize("ending", ["set", ".weights.h5", ".checkpoint"])
def test_weights_of_a_dense_network_are_pruned_as_they_come(ending, tmp_path):
    model, mask = held(SMALL["cnn"].build(WORDS, 2, Initializers(1)))
    dense = SMALL["cnn"].build(WORDS, 2, Initializers(2))
    if ending == "set":
        model.set_weights(dense.get_weights())
    else:
        # Of the same layers: names of files' groups are those of layers.
        other = keras.Model(model.inputs, model.outputs)
        kept = model.get_weights()
        other.set_weights(dense.get_weights())
        other.save_weights(str(tmp_path / f"w{ending}"))
        other.set_weights(kept)
        model.load_weights(str(tmp_path / f"w{ending}"))
    require_held(model, mask)
    found, given = weights.get(model), weights.get(dense)
    assert all(np.array_equal(found[name][kept], given[name][kept]) for name, kept in mask.items())


def test_copies_hold_the_mask(tmp_path):
    model, mask = held(SMALL["cnn"].build(WORDS, 2, Initializers(1)))
    for twin in (keras.models.clone_model(model), copy.deepcopy(model)):
        fit(twin)
        require_held(twin, mask)


@pytest.mark.parametrize("given", [("folder", None), ("m.keras", "tf"), (Path("m"), "tf")])
def test_a_folder_that_would_lose_the_mask_is_refused(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model, _ = held(SMALL["cnn"].build(WORDS, 2, Initializers(1)))
    path, kind = given
    with pytest.raises(UserError, match=r"as a file, model\.keras, to go on with fit"):
        model.save(path, save_format=kind)
    assert not list(tmp_path.iterdir())


@pytest.mark.long
@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_another_process_holds_the_mask(tmp_path, ending):
    model, mask = held(SMALL["cnn"].build(WORDS, 2, Initializers(1)))
    fit(model)
    file = tmp_path / f"m{ending}"
    model.save(file)
    # Only the file of Keras' own names the module of its classes.
    first = "" if ending == ".keras" else "import tflottery.pruning.held\n"
    subprocess.run([sys.executable, "-c", first + ELSEWHERE, str(file)], check=True)
    again = keras.models.load_model(file)
    require_held(again, mask)
    assert not same_arrays(weights.get(again), weights.get(model))


def test_a_fine_tuned_model_becomes_a_ticket(tmp_path):
    ticket = make_ticket(tmp_path / "given", "cnn")
    model = ticket.build("final")
    fit(model)
    saved = ticket.save_as(model, tmp_path / "tuned")
    assert same_arrays(saved.final_weights, weights.get(model))
    assert same_arrays(saved.masks, ticket.masks)
    assert same_arrays(saved.rewind_weights, ticket.rewind_weights)
    assert saved.classes == CLASSES and saved.recipe == ticket.recipe
    assert saved.vocabulary.words == ticket.vocabulary.words
    # What was measured was measured on other weights.
    assert saved.verdict == "no verdict" and "Winning ticket" in saved.sentence
    assert not [key for key in saved.about if key.endswith("_accuracy") or key == "metrics"]
    assert saved.about["run_key"] == ticket.about["run_key"]
    # And whoever reads tickets takes it as it is.
    assert Store(tmp_path / "runs").unneeded(tmp_path / "tuned") == []
    assert headline(saved).endswith(f"no verdict on {saved.about['dataset']}")
    again = load_ticket(tmp_path / "tuned")
    assert np.array_equal(again.build("final")(IDS), model(IDS))


def test_a_model_that_is_not_the_ticket_s_becomes_none(tmp_path):
    ticket = make_ticket(tmp_path / "given", "cnn")
    plain = ticket.architecture.build(WORDS, 2, Initializers(1))
    with pytest.raises(UserError, match=r"weights that the ticket prunes .*conv_.*ticket.build"):
        ticket.save_as(plain, tmp_path / "tuned")
    other = SMALL["lstm"].build(WORDS, 2, Initializers(1))
    with pytest.raises(UserError, match="not that of the ticket"):
        ticket.save_as(other, tmp_path / "tuned")
    with pytest.raises(UserError, match="not a number"):
        broken = ticket.build("final")
        weights.put(broken, {k: v * np.float32("nan") for k, v in weights.get(broken).items()})
        ticket.save_as(broken, tmp_path / "tuned")
    assert not (tmp_path / "tuned").exists()
