"""Trainings whose masks move: zeros at every step, what comes back, what is kept, equal bits."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.chains import dense
from tests.conftest import SMALL, same_arrays, small_settings_in, user_environment
from tflottery.errors import DamagedFileError
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.masks import count
from tflottery.pruning.moving.moves import MOVES, changes
from tflottery.pruning.shares import Shares
from tflottery.runs.inits import Snapshot
from tflottery.runs.moving import LastOf, Moving
from tflottery.runs.realise import Realiser
from tflottery.runs.recipes import Recipe
from tflottery.runs.store import Store
from tflottery.training.optimizers import optimizer, slots
from tflottery.training.settings import TrainingSeeds, TrainingSettings
from tflottery.training.trainer import Trainer

SETTINGS = TrainingSettings(learning_rate=0.01, batch_size=16, epochs=3, patience=3)
SEEDS = TrainingSeeds(order=1, dropout=1)


class Watch:
    """A ``Listener`` that looks at weights, masks and the optimizer after each step."""

    def __init__(self, trainer: Trainer) -> None:
        self.masked, self.optimizer = trainer._masked, trainer._optimizer
        self.seen: list[dict] = []

    def step_ended(self, step, steps, logs):
        masks, weights = self.masked.masks(), self.masked.weights()
        memory = {
            name: [one.numpy() for one in slots(self.optimizer, variable)]
            for name, variable in self.masked.variables.items()
        }
        self.seen.append({"masks": masks, "weights": weights, "memory": memory})

    def validated(self, epoch, epochs, logs):
        pass

    def testing(self):
        pass


@pytest.fixture(scope="module")
def trainer(small_corpus):
    """One that reads gradients, where that is asked for."""
    return Trainer(SMALL["cnn"], len(small_corpus.vocabulary), 2, SETTINGS, gradients=True)


def moving(by, trainer, corpus, every=3):
    until = 2 * corpus.train.steps_per_epoch(SETTINGS.batch_size)
    return MOVES[by](0.7, every, until, 0.3, Shares(trainer.roles), seed=1)


def train(trainer, corpus, moves, watch=None, settings=SETTINGS):
    return trainer.train(
        corpus, moves.start(mask_ops.dense(trainer.prunable)), trainer.fresh_weights(1), settings,
        SEEDS, ("3it",), watch, moves,
    )  # fmt: skip


@pytest.mark.parametrize("by", MOVES)
def test_pruned_weights_are_zero_at_every_step(trainer, small_corpus, by):
    moves, watch = moving(by, trainer, small_corpus), Watch(trainer)
    trained = train(trainer, small_corpus, moves, watch)
    assert list(trained.moves) == [0, *moves.steps]
    held = trained.moves[0]
    for step, seen in enumerate(watch.seen, start=1):
        before, held = held, trained.moves.get(step, held)
        assert same_arrays(seen["masks"], held)
        for name, mask in held.items():
            assert not seen["weights"][name][~mask].any()
            grown = mask & ~before[name]
            # What comes back begins at zero, and the optimizer knows nothing of it.
            assert not seen["weights"][name][grown].any()
            for memory in seen["memory"][name]:
                assert not memory[grown].any()
    assert same_arrays(trained.masks, held) and count(held).sparsity == pytest.approx(0.7, abs=0.02)
    at_three = trained.moves[max(step for step in trained.moves if step <= 3)]
    for name, mask in at_three.items():  # a snapshot at a move is of the moved mask
        assert not trained.snapshots["3it"][name][~mask].any()
    assert trained.metrics["best_epoch"] * trained.metrics["steps_per_epoch"] >= moves.steps[-1]
    for name, mask in trained.masks.items():
        assert not trained.snapshots["end"][name][~mask].any()
    # Pruned weights have moments, which follow the dense gradient: there was something to clear.
    assert any(one[~held[name]].any() for name, (one, *_) in watch.seen[-1]["memory"].items())


def test_rigl_moves_by_the_gradient_of_its_steps_texts_in_place_of_an_update(trainer, small_corpus):
    moves, watch = moving("rigl", trainer, small_corpus, every=2), Watch(trainer)
    trained = train(trainer, small_corpus, moves, watch)
    before, after = watch.seen[0], watch.seen[1]
    for name, weight in before["weights"].items():
        kept = trained.masks.get(name) is None or (before["masks"][name] & after["masks"][name])
        assert np.array_equal(weight[kept], after["weights"][name][kept])
    rows = [row for row in changes(trained.moves) if row["step"] == 2]
    assert sum(row["grown"] for row in rows) > 0
    # Of an embedding only rows of words that these texts hold have a gradient, and grow.
    grown = after["masks"]["embedding/embeddings"] & ~before["masks"]["embedding/embeddings"]
    assert 0 < np.count_nonzero(grown.any(axis=1)) < len(grown)


def test_the_step_that_keeps_gradients_trains_as_keras_does(trainer, small_corpus):
    """Where no step is asked for, bits are those of a trainer that reads none."""
    plain = Trainer(SMALL["cnn"], len(small_corpus.vocabulary), 2, SETTINGS)
    masks, weights = mask_ops.dense(plain.prunable), plain.fresh_weights(1)
    one, other = (
        each.train(small_corpus, masks, weights, SETTINGS, SEEDS) for each in (plain, trainer)
    )
    assert same_arrays(one.snapshots["end"], other.snapshots["end"])
    assert one.history == other.history and one.moves == {}


@pytest.mark.parametrize(("name", "count"), [("adam", 2), ("rmsprop", 1), ("sgd", 1)])
def test_an_optimizers_memory_of_a_weight(name, count):
    made = optimizer(dataclasses.replace(SETTINGS, optimizer=name))
    variables = [tf.Variable(np.ones(shape, np.float32)) for shape in ((2, 3), (4,))]
    made.build(variables)
    made.apply_gradients([(tf.ones_like(one), one) for one in variables])
    for variable in variables:
        found = slots(made, variable)
        assert len(found) == count and all(one.shape == variable.shape for one in found)
    if name != "sgd":  # without momentum it remembers nothing
        assert all(one.numpy().all() for one in slots(made, variables[1]))


@pytest.mark.long
@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("model", ["lstm", "gru", "transformer"])
def test_so_do_other_networks(small_corpus, model, biases):
    words = len(small_corpus.vocabulary)
    made = Trainer(SMALL[model], words, 2, SETTINGS, biases=biases, gradients=True)
    moves = moving("rigl", made, small_corpus)
    one, other = (train(made, small_corpus, moves) for _ in range(2))
    assert same_arrays(one.snapshots["end"], other.snapshots["end"])
    assert sum(row["grown"] for row in changes(one.moves)) > 0
    for name, mask in one.masks.items():
        assert not one.snapshots["end"][name][~mask].any()
        assert mask.sum() == one.moves[0][name].sum()
    assert any(name.endswith("bias") for name in one.masks) == biases


# --- In the store ---------------------------------------------------------------------------------


def specs(recipe: Recipe, by: str) -> tuple:
    """A sparse training, and its last mask with new weights."""
    root = dense(recipe)
    mask = Moving(by, 0.6, 0.5, 0.75, 0.3, seed=1)
    ticket = dataclasses.replace(root, mask=mask, init=Snapshot(root, "0ep"))
    return ticket, dataclasses.replace(root, mask=LastOf(ticket))


def recipe_of(settings) -> Recipe:
    return Recipe(settings, SMALL["cnn"], dataclasses.replace(SETTINGS, epochs=2, patience=2))


def test_a_run_keeps_its_masks_at_each_move(tmp_path, small_settings):
    ticket, reinit = specs(recipe_of(small_settings), "rigl")
    store = Store(tmp_path / "runs")
    realise = Realiser(store, [reinit])
    last, run = realise(reinit), realise(ticket)
    history = run.moves()
    assert next(iter(history)) == 0 and len(history) > 2
    assert same_arrays(history[max(history)], run.masks())
    assert same_arrays(last.masks(), run.masks()) and last.moves() == {}
    assert run.snapshots == ["end"] and "moves.npz" not in run.record["files"]
    assert realise(ticket.init.of).moves() == {}  # dense, as runs of before
    assert store.runs()["mask"].tolist().count("Moving") == 1
    path = run.folder / "moves.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"moves\.npz"):
        store.find(run.key).moves()


def fingerprint(folder) -> str:
    """The bits of the small trainings of each kind, in a store in a folder."""
    recipe = recipe_of(small_settings_in(folder))
    found = hashlib.sha256()
    for by in MOVES:
        ticket, _ = specs(recipe, by)
        run = Realiser(Store(folder / "runs"), [ticket])(ticket)
        for name in ("end.npz", "masks.npz", "moves.npz"):
            found.update((run.folder / name).read_bytes())
    return found.hexdigest()


@pytest.mark.long
def test_equal_bits_in_another_process(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    code = (
        "from pathlib import Path; from tflottery import startup; startup.start_tensorflow(); "
        "from tests.test_moving_trainings import fingerprint; "
        f"print(fingerprint(Path({str(there)!r})))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], env=user_environment(), capture_output=True, text=True,
        timeout=3000, check=True,
    )  # fmt: skip
    assert other.stdout.split()[-1] == fingerprint(here)
