"""The portable ticket: complete, checked, and a model that trains as it should."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import tf_keras as keras

import tflottery
from tests.conftest import ROOT, SMALL, is_prunable, same_arrays
from tflottery.data.words.vocabulary import Vocabulary
from tflottery.errors import DamagedFileError, UserError
from tflottery.models import weights
from tflottery.models.architecture import Initializers
from tflottery.pruning import masks
from tflottery.runs.recipes import Recipe
from tflottery.tickets.folder import FORMAT_VERSION, write_ticket

EMBEDDING = "embedding/embeddings"
VOCABULARY = Vocabulary(("[PAD]", "[UNK]", *(f"word{number}" for number in range(30))))


@pytest.fixture
def parts(small_recipe: Recipe):
    drawn, trained = (
        weights.get(small_recipe.model.build(len(VOCABULARY), 2, Initializers(seed)))
        for seed in (1, 2)
    )
    prunable = {name: value for name, value in drawn.items() if is_prunable(name)}
    mask = {
        name: np.random.default_rng(0).random(value.shape) < 0.4 for name, value in prunable.items()
    }
    return mask, drawn, masks.apply(mask, trained)


@pytest.fixture
def ticket(tmp_path, small_recipe, parts):
    about = {
        "verdict": "winning ticket", "run_key": "k", "ticket_test_accuracy": 0.875,
        "dataset": "mine", "model": "cnn", "seed": 1,
    }  # fmt: skip
    folder = tmp_path / "tickets" / "t"
    written = write_ticket(folder, about, small_recipe, ("neg", "pos"), VOCABULARY, *parts)
    return tflottery.load_ticket(written)


def test_a_ticket_survives_the_disk(ticket, parts, small_recipe):
    loaded = tflottery.load_ticket(ticket.folder)
    mask, drawn, trained = parts
    assert same_arrays(loaded.masks, mask)
    assert same_arrays(loaded.rewind_weights, drawn)
    assert same_arrays(loaded.final_weights, trained)
    assert loaded.vocabulary == VOCABULARY and loaded.classes == ("neg", "pos")
    assert loaded.recipe == small_recipe
    assert loaded.about["verdict"] == "winning ticket"


GATES = {
    "lstm": ["input", "forget", "candidate", "output"],
    "gru": ["update", "reset", "candidate"],
}


def test_what_ticket_json_says_of_the_masks(ticket, parts):
    about, (mask, _, _) = json.loads((ticket.folder / "ticket.json").read_text()), parts
    assert about["format_version"] == FORMAT_VERSION and "tensorflow" in about["versions"]
    kept, total = sum(int(m.sum()) for m in mask.values()), sum(m.size for m in mask.values())
    assert about["sparsity"] == pytest.approx(1 - kept / total)
    others = [m for name, m in mask.items() if name != EMBEDDING]
    expected = 1 - sum(int(m.sum()) for m in others) / sum(m.size for m in others)
    assert about["sparsity_without_embedding"] == pytest.approx(expected)
    for name, layer in about["per_layer"].items():
        assert layer["remaining"] == mask[name].sum() and layer["total"] == mask[name].size
        named = GATES.get(name.partition("_")[0])
        assert list(layer.get("gates", ())) == (named or [])
        if named:
            gates = layer["gates"]
            assert sum(gate["remaining"] for gate in gates.values()) == layer["remaining"]
            units = mask[name].shape[-1] // len(named)
            second = mask[name][:, units : 2 * units]
            assert gates[named[1]]["remaining"] == second.sum()


@pytest.mark.parametrize("which", ["rewind", "final"])
def test_it_builds_a_model_at_mask_times_weights_that_keeps_its_zeros(ticket, parts, which):
    mask, drawn, trained = parts
    model = ticket.build(which)
    start = masks.apply(mask, drawn if which == "rewind" else trained)
    assert same_arrays(weights.get(model), start)
    keras.utils.set_random_seed(1)
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    ids = np.random.default_rng(1).integers(1, 30, (32, 9)).astype(np.int32)
    model.fit(ids, ids[:, 0] % 2, epochs=2, verbose=0)
    now = weights.get(model)
    assert all(not now[name][~kept].any() for name, kept in mask.items())
    assert not same_arrays(now, start)


def test_it_builds_in_a_fresh_process(ticket):
    code = f"import tflottery; print(tflottery.load_ticket({str(ticket.folder)!r}).build().name)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() in SMALL


@pytest.mark.parametrize("name", ["ticket.json", "masks.npz", "rewind.npz", "final.npz"])
def test_a_flipped_byte_is_found(ticket, name):
    path = ticket.folder / name
    whole = path.read_bytes()
    for position in np.linspace(1, len(whole) - 2, 7).astype(int):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1 :])
        with pytest.raises(UserError, match=f"{name}.*(damaged|format version)"):
            tflottery.load_ticket(ticket.folder)


def test_a_file_that_is_missing_or_swapped_is_found(ticket):
    (ticket.folder / "vocabulary.txt").unlink()
    with pytest.raises(DamagedFileError, match=r"vocabulary\.txt is missing"):
        tflottery.load_ticket(ticket.folder)


def test_another_format_version_is_named(ticket):
    from tflottery.files import seal

    path = ticket.folder / "ticket.json"
    about = json.loads(path.read_text())
    del about["sha256"]
    path.write_text(seal({**about, "format_version": 7}))
    with pytest.raises(UserError, match="format version 7; this tflottery reads 1 and 2"):
        tflottery.load_ticket(ticket.folder)


def test_what_is_no_ticket_is_said_to_be_none(tmp_path):
    with pytest.raises(UserError, match="holds no ticket"):
        tflottery.load_ticket(tmp_path)
    with pytest.raises(ValueError, match="'rewind' or 'final'"):
        tflottery.Ticket(tmp_path, {}).build("best")
