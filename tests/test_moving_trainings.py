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
from tflottery.data.batches import first_batches
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
    return trainer_that("gradients", small_corpus)


@pytest.fixture(scope="module")
def learner(small_corpus):
    """One that learns scores of movement, where that is asked for."""
    return trainer_that("movement", small_corpus)


def trainer_that(reads, corpus):
    return Trainer(SMALL["cnn"], len(corpus.vocabulary), 2, SETTINGS, reads=reads)


def moving(by, trainer, corpus, every=3):
    until = 2 * corpus.train.steps_per_epoch(SETTINGS.batch_size)
    return MOVES[by](0.7, every, until, 0.3, Shares(trainer.roles), seed=1)


def train(trainer, corpus, moves, watch=None, settings=SETTINGS):
    return trainer.train(
        corpus, moves.start(mask_ops.dense(trainer.prunable)), trainer.fresh_weights(1), settings,
        SEEDS, ("3it",), watch, moves,
    )  # fmt: skip


@pytest.mark.parametrize("by", MOVES)
def test_pruned_weights_are_zero_at_every_step(trainer, learner, small_corpus, by):
    trainer = learner if by == "movement" else trainer
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
            # What comes back begins at zero, or where it was, and is new to the optimizer.
            assert by == "movement" or not seen["weights"][name][grown].any()
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


def test_the_step_that_is_read_trains_as_keras_does(trainer, learner, small_corpus):
    """Where no step is asked for, bits are those of a trainer that reads none."""
    plain = Trainer(SMALL["cnn"], len(small_corpus.vocabulary), 2, SETTINGS)
    masks, weights = mask_ops.dense(plain.prunable), plain.fresh_weights(1)
    one, *others = (
        each.train(small_corpus, masks, weights, SETTINGS, SEEDS)
        for each in (plain, trainer, learner)
    )
    for other in others:
        assert same_arrays(one.snapshots["end"], other.snapshots["end"])
        assert one.history == other.history and one.moves == {}


def test_moves_need_a_trainer_that_reads_for_them(trainer, small_corpus):
    with pytest.raises(ValueError, match="told of movement, which nothing reads"):
        train(trainer, small_corpus, moving("movement", trainer, small_corpus))


def test_movement_is_the_papers(small_corpus):
    """Sanh et al. 2020, section 3: S = -sum of dL/dW * W, with the gradient of the masked network
    and the weights as they are under the mask; the mask keeps the highest scores, by a cubic
    schedule; only weights in the mask learn. Here with SGD, in numpy, on gradients that are taken
    beside the training."""
    model = dataclasses.replace(SMALL["cnn"], embedding_dropout=0.0, dropout=0.0)
    settings = dataclasses.replace(
        SETTINGS, optimizer="sgd", learning_rate=0.5, batch_size=8, epochs=1
    )
    made = Trainer(model, len(small_corpus.vocabulary), 2, settings, reads="movement")
    moves = MOVES["movement"](0.7, 2, 8, 0.0, Shares(made.roles), seed=1)
    assert moves.steps == (2, 4, 6, 8)
    watch = Watch(made)
    start = made.fresh_weights(1)
    everything = mask_ops.dense(made.prunable)
    trained = made.train(small_corpus, everything, start, settings, SEEDS, (), watch, moves)

    latent, masks = {name: one.astype(np.float64) for name, one in start.items()}, dict(everything)
    scores = {name: np.zeros(mask.shape) for name, mask in masks.items()}
    batches = first_batches(small_corpus.train, 8, SEEDS.order, 8, None)
    came_back = 0
    for step, batch in enumerate(batches, start=1):
        slopes = made.probe.gradients(mask_ops.apply(masks, as_floats(latent)), [batch])
        for name, one in latent.items():
            if name in scores:
                scores[name] -= slopes[name] * one
            one -= 0.5 * slopes[name] * masks.get(name, True)
        if step in moves.steps:
            before = masks
            share = 0.7 * (1 - (1 - step / 8) ** 3)
            masks = {name: kept(one, share) for name, one in scores.items()}
            came_back += sum(int((masks[name] & ~before[name]).sum()) for name in masks)
        seen = watch.seen[step - 1]
        for name, weight in mask_ops.apply(masks, as_floats(latent)).items():
            assert seen["weights"][name] == pytest.approx(weight, abs=1e-5)
            assert name not in masks or np.array_equal(seen["masks"][name], masks[name])
    assert came_back > 0 and same_arrays(trained.masks, masks)
    for name, one in made._reader.values().items():
        assert one == pytest.approx(scores[name], abs=1e-5) and one.any()


def as_floats(weights):
    return {name: one.astype(np.float32) for name, one in weights.items()}


def kept(scores, share):
    """The mask of the highest scores, of equals the first."""
    order = sorted(range(scores.size), key=lambda place: (-scores.flat[place], place))
    mask = np.zeros(scores.size, bool)
    mask[order[: scores.size - round(scores.size * share)]] = True
    return mask.reshape(scores.shape)


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
    made = Trainer(SMALL[model], words, 2, SETTINGS, biases=biases, reads="gradients")
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
