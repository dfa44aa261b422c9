"""Training: snapshots, best weights, seeds, nothing left over from the run before."""

from __future__ import annotations

import dataclasses
import math
import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from tests.conftest import SMALL, same_arrays
from tflottery import steps
from tflottery.data.encoded import Encoded
from tflottery.data.encoding import encode
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings
from tflottery.errors import TrainingError, UserError
from tflottery.pruning import masks
from tflottery.pruning.gradual import Gradual
from tflottery.pruning.masks import To
from tflottery.training.callbacks import KeepMoment
from tflottery.training.rates import rate
from tflottery.training.settings import TrainingSeeds, TrainingSettings
from tflottery.training.trainer import Trainer

SETTINGS = TrainingSettings(learning_rate=0.01, batch_size=16, epochs=3, patience=3)
SEEDS = TrainingSeeds(order=1, dropout=1)


@pytest.fixture(scope="module")
def trainer(small_corpus):
    return Trainer(SMALL["cnn"], len(small_corpus.vocabulary), 2, SETTINGS)


def train(trainer, corpus, *, mask=None, weights=None, settings=SETTINGS, seeds=SEEDS, at=()):
    return trainer.train(
        corpus,
        mask or masks.dense(trainer.prunable),
        weights or trainer.fresh_weights(1),
        settings,
        seeds,
        at,
    )


def test_the_same_seeds_give_the_same_bits_whatever_was_trained_before(trainer, small_corpus):
    first = train(trainer, small_corpus)
    fast = dataclasses.replace(SETTINGS, learning_rate=0.1, epochs=1)
    train(trainer, small_corpus, settings=fast, seeds=TrainingSeeds(5, 5))
    again = train(trainer, small_corpus)
    fresh_trainer = Trainer(SMALL["cnn"], len(small_corpus.vocabulary), 2, SETTINGS)
    fresh = train(fresh_trainer, small_corpus)
    for other in (again, fresh):
        assert other.metrics == first.metrics and other.history == first.history
        assert same_arrays(other.snapshots["end"], first.snapshots["end"])


@pytest.mark.parametrize("seeds", [TrainingSeeds(2, 1), TrainingSeeds(1, 2)])
def test_each_seed_changes_the_training(trainer, small_corpus, seeds):
    one, other = train(trainer, small_corpus), train(trainer, small_corpus, seeds=seeds)
    assert not same_arrays(one.snapshots["end"], other.snapshots["end"])


def test_snapshots_are_the_weights_of_their_step(trainer, small_corpus):
    per_epoch = small_corpus.train.steps_per_epoch(SETTINGS.batch_size)
    weights = trainer.fresh_weights(1)
    asked = ["0ep", "1it", "1ep", f"{per_epoch}it", "2ep"]
    trained = train(trainer, small_corpus, weights=weights, at=asked)
    kept = trained.snapshots
    assert set(kept) == {*asked, "end"}
    assert same_arrays(kept["0ep"], weights)
    assert same_arrays(kept["1ep"], kept[f"{per_epoch}it"])
    assert not same_arrays(kept["0ep"], kept["1it"])
    # A training of one epoch ends where one of three epochs was after its first.
    short = train(trainer, small_corpus, settings=dataclasses.replace(SETTINGS, epochs=1))
    assert same_arrays(short.snapshots["end"], kept["1ep"])


def test_a_masked_training_begins_at_mask_times_weights_and_keeps_its_zeros(trainer, small_corpus):
    weights = trainer.fresh_weights(1)
    scores = {name: np.abs(weights[name]) for name in trainer.prunable}
    mask = masks.prune(masks.dense(trainer.prunable), scores, To(0.8))
    trained = train(trainer, small_corpus, mask=mask, weights=weights, at=["0ep"])
    assert same_arrays(trained.snapshots["0ep"], masks.apply(mask, weights))
    for arrays in trained.snapshots.values():
        for name, kept in mask.items():
            assert not arrays[name][~kept].any()
            assert not np.signbit(arrays[name][~kept]).any()  # -0.0 would spoil compression


def test_metrics_are_those_of_the_weights_kept(trainer, small_corpus):
    trained = train(trainer, small_corpus)
    best = max(trained.history, key=lambda epoch: -epoch["val_loss"])
    assert trained.metrics["val_loss"] == pytest.approx(best["val_loss"], rel=1e-6)
    assert trained.metrics["best_epoch"] == trained.history.index(best) + 1
    assert trained.metrics["epochs"] == len(trained.history)
    assert 0 <= trained.metrics["test_accuracy"] <= 1


def test_validating_more_often_finds_the_best_moment_more_closely(trainer, small_corpus):
    often = dataclasses.replace(SETTINGS, validations_per_epoch=2)
    once, twice = train(trainer, small_corpus), train(trainer, small_corpus, settings=often)
    per_epoch = once.metrics["steps_per_epoch"]
    assert [row["step"] for row in once.history] == [per_epoch * n for n in (1, 2, 3)]
    period = twice.history[0]["step"]
    assert period == math.ceil(per_epoch / 2) and len(twice.history) == 6
    best = min(twice.history, key=lambda row: row["val_loss"])
    assert twice.metrics["best_epoch"] == pytest.approx(best["step"] / per_epoch, abs=1e-4)


@pytest.mark.parametrize("validations", [1, 2, 3, 4, 5])
def test_a_training_ends_with_its_last_epoch_however_often_it_validates(
    trainer, small_corpus, validations
):
    settings = dataclasses.replace(SETTINGS, validations_per_epoch=validations, patience=9)
    trained = train(trainer, small_corpus, settings=settings, at=["3ep"])
    total = 3 * trained.metrics["steps_per_epoch"]
    assert trained.history[-1]["step"] == total and trained.metrics["epochs"] == 3
    assert set(trained.snapshots) == {"3ep", "end"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [0.01] * 8),
        ({"decay": "linear"}, [0.01 * (1 - done / 8) for done in range(8)]),
        ({"decay": "cosine"}, [0.005 * (1 + np.cos(np.pi * done / 8)) for done in range(8)]),
        ({"warmup": 0.75}, [0.0025, 0.005, 0.0075] + [0.01] * 5),
        (
            {"warmup": 1.0, "decay": "linear"},
            [0.002, 0.004, 0.006, 0.008, 0.01, 0.0075, 0.005, 0.0025],
        ),
    ],
)
def test_the_rate_rises_then_falls_to_zero(changes, expected):
    settings = TrainingSettings(learning_rate=0.01, epochs=2, **changes)
    assert [rate(settings, step, per_epoch=4) for step in range(8)] == pytest.approx(expected)


def test_training_follows_the_rate_and_begins_it_anew(trainer, small_corpus):
    falling = dataclasses.replace(SETTINGS, decay="linear", warmup=0.5)
    first = train(trainer, small_corpus, settings=falling)
    last = first.history[-1]["step"] - 1
    per_epoch = first.metrics["steps_per_epoch"]
    applied = float(trainer._model.optimizer.learning_rate.numpy())
    assert applied == pytest.approx(rate(falling, last, per_epoch))
    assert train(trainer, small_corpus, settings=falling).history == first.history
    assert train(trainer, small_corpus).history != first.history


def test_weight_decay_shrinks_kernels_and_excludes_biases(small_corpus):
    decaying = dataclasses.replace(SETTINGS, weight_decay=5.0, epochs=1)
    decayer = Trainer(SMALL["cnn"], len(small_corpus.vocabulary), 2, decaying)
    weights = decayer.fresh_weights(1)
    weights["head/bias"] = np.array([2.0], np.float32)
    trained = train(decayer, small_corpus, weights=weights, settings=decaying)
    ended, steps_done = trained.snapshots["end"], trained.history[-1]["step"]
    # No text holds padding as a word, so only the decay changes its row.
    padding = weights["embedding/embeddings"][0] * (1 - 0.01 * 5.0) ** steps_done
    assert ended["embedding/embeddings"][0] == pytest.approx(padding, rel=1e-5)
    assert ended["head/bias"] == pytest.approx(2.0, abs=0.01 * steps_done + 1e-4)


def test_gradual_pruning_ends_at_its_sparsity_and_keeps_weights_from_after_it(small_corpus):
    gradual = Gradual(0.75, end=12, exclude=("head/kernel",))
    pruner = Trainer(SMALL["cnn"], len(small_corpus.vocabulary), 2, SETTINGS, gradual)
    for _ in range(2):  # the second run begins at step 0 again
        trained = train(pruner, small_corpus)
        assert trained.masks["head/kernel"].all()
        counted = masks.count(trained.masks, without=["head/kernel"])
        assert counted.sparsity == pytest.approx(0.75, abs=0.02)
        for name, kept in trained.masks.items():
            assert not trained.snapshots["end"][name][~kept].any()
        per_epoch = trained.metrics["steps_per_epoch"]
        assert trained.metrics["best_epoch"] * per_epoch >= gradual.last_update


def test_a_rewind_point_beyond_the_training_is_refused_at_once(trainer, small_corpus):
    with pytest.raises(UserError, match="lies beyond the training"):
        train(trainer, small_corpus, at=["4ep"])


def test_a_loss_that_is_not_finite_is_an_error(trainer, small_corpus):
    weights = trainer.fresh_weights(1)
    weights["head/bias"] = np.array([np.nan], np.float32)
    with pytest.raises(TrainingError, match="not finite"):
        train(trainer, small_corpus, weights=weights)
    # The trainer can still be used.
    assert np.isfinite(train(trainer, small_corpus).metrics["test_loss"])


@pytest.mark.parametrize(
    ("monitor", "sign", "values", "patience", "best", "ended"),
    [
        ("val_loss", -1, [3, 2, 4, 1], 1, 2, 3),
        ("val_loss", -1, [3, 2, 4, 1], 2, 4, None),
        ("val_accuracy", 1, [1, 5, 5, 5], 2, 2, 4),
        ("val_accuracy", 1, [1, 2, 3], 1, 3, None),
        ("val_log_loss", -1, [3, 2, 4, 1], 1, 2, 3),
    ],
)
def test_early_stopping(monitor, sign, values, patience, best, ended):
    class Model:
        stop_training = False

    epoch_now = 0
    callback = KeepMoment(monitor, sign, patience, lambda: {"epoch": np.array(epoch_now + 1)})
    callback.model = Model()
    stopped = None
    for epoch_now, value in enumerate(values):
        callback.on_epoch_end(epoch_now, {monitor: value})
        if callback.model.stop_training:
            stopped = epoch_now + 1
            break
    assert (callback.period, callback.kept["epoch"], stopped) == (best, best, ended)


def stopped_and_kept(values, patience, **options):
    """The epoch after which a training ends (None: it does not), and the epoch that is kept."""
    callback = KeepMoment("val_loss", -1, patience, lambda: None, **options)
    callback.model = types.SimpleNamespace(stop_training=False)
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"val_loss": value})
        if callback.model.stop_training:
            return epoch + 1, callback.period
    return None, callback.period


@pytest.mark.parametrize(
    ("values", "patience", "in_a_row", "in_all"),
    [
        ([5, 6, 4, 4.5, 3], 2, (None, 5), (4, 3)),
        ([5, 4, 3, 2, 1], 1, (None, 5), (None, 5)),
        ([5, 6, 7, 1], 2, (3, 1), (3, 1)),
        ([5, 5, 4, 3, 3], 2, (None, 4), (5, 4)),  # an equal loss is a miss
    ],
)
def test_misses_are_counted_in_a_row_or_in_all(values, patience, in_a_row, in_all):
    assert stopped_and_kept(values, patience) == in_a_row
    assert stopped_and_kept(values, patience, in_all=True) == in_all


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.integers(1, 4), st.booleans())
def test_early_stopping_is_what_it_says(values, patience, in_all):
    """Against the rule written out over the whole list of losses."""
    best = [min(values[: end + 1]) for end in range(len(values))]
    is_miss = [end > 0 and values[end] >= best[end - 1] for end in range(len(values))]

    def misses(end):
        since = 0 if in_all else values.index(best[end])
        return sum(is_miss[since : end + 1])

    ended = next((end + 1 for end in range(len(values)) if misses(end) >= patience), None)
    seen = values[:ended]
    assert stopped_and_kept(values, patience, in_all=in_all) == (ended, 1 + seen.index(min(seen)))
    last = stopped_and_kept(values, patience, in_all=in_all, last=True)
    assert last == (ended, len(seen))


def test_the_last_weights_are_kept_tested_and_reported(trainer, small_corpus):
    settings = dataclasses.replace(
        SETTINGS, learning_rate=0.1, epochs=4, patience=4, monitor="val_accuracy"
    )
    best = train(trainer, small_corpus, settings=settings, at=["4ep"])
    last = train(trainer, small_corpus, settings=dataclasses.replace(settings, keep="last"))
    assert best.metrics["best_epoch"] < 4  # else both keep the same
    assert last.metrics["best_epoch"] == 4 and last.history == best.history
    assert same_arrays(last.snapshots["end"], best.snapshots["4ep"])
    assert not same_arrays(last.snapshots["end"], best.snapshots["end"])
    assert last.metrics["val_loss"] == best.history[-1]["val_loss"]
    masks_ = masks.dense(trainer.prunable)
    again = trainer.evaluate(small_corpus.test, masks_, last.snapshots["end"])
    assert last.metrics["test_loss"] == again["loss"]
    for split in ("validation", "test"):
        said = trainer.predict(getattr(small_corpus, split), masks_, last.snapshots["end"])
        assert np.array_equal(last.logits[split], said)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [("0ep", "0ep"), ("0it", "0ep"), ("1ep", "1ep"), ("0500it", "500it"), ("end", "end")],
)
def test_steps_have_one_form(text, parsed):
    assert steps.parse(text) == parsed == steps.parse(parsed)


@pytest.mark.parametrize("text", ["", "1", "ep", "-1ep", "1.5ep", "2ep5it", "start", "1 ep"])
def test_a_text_that_names_no_step_is_refused(text):
    with pytest.raises(UserError, match="names no step"):
        steps.parse(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "adamm"},
        {"monitor": "loss"},
        {"monitor": "val_"},
        {"monitor": "macro_f1"},
        {"monitor": 3},
        {"class_weight": "even"},
        {"misses": "in all"},
        {"keep": "first"},
        {"epochs": 0},
        {"learning_rate": 0.0},
    ],
)
def test_impossible_settings_are_refused(changes):
    with pytest.raises(UserError, match=r"training\."):
        TrainingSettings(**changes)


def test_an_unknown_monitor_is_told_with_the_nearest():
    with pytest.raises(UserError, match=r"'val_macro_f'. Did you mean 'val_macro_f1'"):
        TrainingSettings(monitor="val_macro_f")
    assert TrainingSettings(monitor="val_log_loss").metric.sign == -1
    assert TrainingSettings().metric is None


@pytest.fixture(scope="module")
def skewed_corpus(tmp_path_factory):
    """Texts of which one in eight is of the second class."""
    random = np.random.default_rng(3)
    rows = []
    for number in range(480):
        label = int(number % 8 == 0)
        words = random.integers(20, size=6) + 10 * label
        rows.append(" ".join(f"w{word}" for word in words) + f",{label}")
    file = tmp_path_factory.mktemp("skewed") / "skewed.csv"
    file.write_text("text,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    data = sources.identify(DataSettings(dataset=str(file), vocabulary_size=40, max_length=12))
    return encode(sources.open_source(data), data)


def test_macro_f1_keeps_the_epoch_that_it_should(skewed_corpus):
    settings = TrainingSettings(
        learning_rate=0.02, batch_size=16, epochs=6, patience=6, monitor="val_macro_f1"
    )
    trainer = Trainer(SMALL["cnn"], len(skewed_corpus.vocabulary), 2, settings)
    at = [f"{number}ep" for number in range(1, 7)]
    trained = train(trainer, skewed_corpus, settings=settings, at=at)
    dense = masks.dense(trainer.prunable)
    validation = skewed_corpus.validation

    def macro_f1(step):
        logits = trainer.predict(validation, dense, trained.snapshots[step])
        return f1_score(validation.labels, logits[:, 0] > 0, average="macro")

    values = [macro_f1(step) for step in at]
    assert [row["val_macro_f1"] for row in trained.history] == pytest.approx(values)
    best = int(np.argmax(values))
    assert len(set(values)) > 2 and trained.metrics["best_epoch"] == best + 1
    assert same_arrays(trained.snapshots["end"], trained.snapshots[at[best]])
    assert trained.metrics["val_macro_f1"] == max(row["val_macro_f1"] for row in trained.history)
    # What is monitored changes what is kept, and no step of the training.
    by_loss = train(
        trainer, skewed_corpus, settings=dataclasses.replace(settings, monitor="val_loss")
    )
    plain = [{k: v for k, v in row.items() if k != "val_macro_f1"} for row in trained.history]
    assert by_loss.history == plain and "val_macro_f1" not in by_loss.metrics


def test_balanced_classes_weigh_the_same_together(skewed_corpus):
    settings = TrainingSettings(learning_rate=0.02, batch_size=16, epochs=1)
    trainer = Trainer(SMALL["cnn"], len(skewed_corpus.vocabulary), 2, settings)
    balanced = dataclasses.replace(settings, class_weight="balanced")
    plain = train(trainer, skewed_corpus, settings=settings)
    weighed = train(trainer, skewed_corpus, settings=balanced)
    assert trainer.class_weights(skewed_corpus.train, balanced) == pytest.approx(
        {0: 4 / 7, 1: 4}, rel=0.02
    )
    # Dense predicts the larger class alone; balanced it finds the smaller one too.
    found = {name: np.sum(one.logits["validation"] > 0) for name, one in
             {"plain": plain, "weighed": weighed}.items()}  # fmt: skip
    assert found["weighed"] > found["plain"]
    again = train(trainer, skewed_corpus, settings=settings)
    assert again.history == plain.history


def test_a_metric_that_is_undefined_ends_a_training(skewed_corpus):
    settings = TrainingSettings(batch_size=16, epochs=1, monitor="val_roc_auc")
    trainer = Trainer(SMALL["cnn"], len(skewed_corpus.vocabulary), 2, settings)
    validation = skewed_corpus.validation
    one_class = Encoded(validation.ids, validation.offsets, np.zeros_like(validation.labels))
    with pytest.raises(TrainingError, match="val_roc_auc is undefined"):
        train(trainer, dataclasses.replace(skewed_corpus, validation=one_class), settings=settings)
