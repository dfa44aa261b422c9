"""A run's predictions: kept, checked, and made anew for the runs of before."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.chains import dense, pruned
from tflottery.errors import DamagedFileError
from tflottery.files import seal
from tflottery.runs.encoded import load_corpus
from tflottery.runs.predictions import SPLITS, Predictions, from_arrays, to_arrays
from tflottery.runs.realise import Realiser
from tflottery.runs.store import Store
from tflottery.training.trainer import Trainer

finite = st.floats(-1000, 1000, width=32)


@st.composite
def predictions(draw: st.DrawFn) -> Predictions:
    texts, classes = draw(st.integers(1, 12)), draw(st.integers(2, 5))
    logits = draw(
        arrays.arrays(np.float32, (texts, 1 if classes == 2 else classes), elements=finite)
    )
    labels = draw(arrays.arrays(np.int32, texts, elements=st.integers(0, classes - 1)))
    return Predictions(labels, logits)


@given(predictions())
def test_scores_are_probabilities_whose_highest_is_the_class_that_keras_counts(made):
    classes = max(2, made.logits.shape[1])
    assert made.scores.shape == (len(made.labels), classes)
    assert np.allclose(made.scores.sum(axis=1), 1) and (made.scores >= 0).all()
    assert np.array_equal(made.scores.argmax(axis=1), made.predicted)
    if classes == 2:
        assert np.array_equal(made.predicted, made.logits[:, 0] > 0)
    else:
        assert np.array_equal(made.predicted, made.logits.argmax(axis=1))


def test_logits_too_near_for_their_probabilities_to_differ():
    tiny = np.float32(1e-30)
    assert Predictions(np.array([1]), np.array([[tiny]])).scores.argmax() == 1
    assert Predictions(np.array([0]), np.array([[-tiny]])).scores.argmax() == 0
    assert Predictions(np.array([0]), np.array([[0]], np.float32)).scores.argmax() == 0
    three = Predictions(np.array([2]), np.array([[0, 0, tiny]], np.float32))
    assert three.scores.argmax() == 2 and three.accuracy == 1


@given(predictions(), predictions())
def test_a_file_gives_back_what_was_kept(tmp_path_factory, one, other):
    from tflottery.files import read_arrays, write_arrays

    parts = dict(zip(SPLITS, (one, other), strict=True))
    path = tmp_path_factory.mktemp("kept") / "predictions.npz"
    checksum = write_arrays(
        path,
        to_arrays(
            {split: part.logits for split, part in parts.items()},
            {split: part.labels for split, part in parts.items()},
        ),
    )
    for split, read in from_arrays(read_arrays(path, checksum)).items():
        assert np.array_equal(read.logits, parts[split].logits) and read.logits.dtype == np.float32
        assert np.array_equal(read.labels, parts[split].labels) and read.labels.dtype == np.int32


def _forget(run_folder: Path) -> None:
    """Makes a run one of before predictions were kept."""
    (run_folder / "predictions.npz").unlink()
    record = json.loads((run_folder / "run.json").read_text(encoding="utf-8"))
    del record["predictions"], record["sha256"]
    (run_folder / "run.json").write_text(seal(record), encoding="utf-8")


def _same(one: dict[str, Predictions], other: dict[str, Predictions]) -> bool:
    return set(one) == set(other) == set(SPLITS) and all(
        np.array_equal(getattr(one[split], part), getattr(other[split], part))
        for split in SPLITS
        for part in ("logits", "labels")
    )


def test_a_run_keeps_what_its_metrics_were_counted_from(tmp_path, small_recipe):
    root = dense(small_recipe)
    ticket = pruned(root, root)
    store = Store(tmp_path / "runs")
    realise = Realiser(store, [ticket])
    corpus = load_corpus(small_recipe.data, store)
    for spec in (root, ticket):
        run, kept = realise(spec), realise.predictions(spec)
        # Versions of before take every file of the record for a snapshot.
        assert "predictions" not in run.snapshots and "predictions.npz" not in run.record["files"]
        for split, metric in (("validation", "val_accuracy"), ("test", "test_accuracy")):
            assert kept[split].accuracy == run.metrics[metric]
            assert np.array_equal(kept[split].labels, getattr(corpus, split).labels)
            assert kept[split].logits.dtype == np.float32

    # A run of before is evaluated from its weights, to the same bits, and keeps them then.
    before = realise(ticket)
    kept = before.predictions()
    metrics = before.record
    _forget(before.folder)
    older = store.open(ticket.key)
    assert older.predictions() is None
    assert _same(Realiser(store, []).predictions(ticket), kept)
    newer = store.open(ticket.key)
    assert _same(newer.predictions(), kept) and newer.record == metrics
    assert sorted(path.name for path in newer.folder.iterdir()) == [
        "end.npz", "masks.npz", "predictions.npz", "run.json",
    ]  # fmt: skip


def test_a_store_that_cannot_be_written_answers_nonetheless(tmp_path, small_recipe, monkeypatch):
    root = dense(small_recipe)
    store = Store(tmp_path / "runs")
    run = Realiser(store, [root])(root)
    kept = run.predictions()
    _forget(run.folder)
    locks = store.root / "locks"
    locks.rename(tmp_path / "aside")
    locks.write_text("no folder")
    evaluated: list[int] = []
    original = Trainer.predict
    monkeypatch.setattr(Trainer, "predict", lambda *given: evaluated.append(1) or original(*given))
    assert _same(Realiser(store, []).predictions(root), kept)
    assert store.open(root.key).predictions() is None and len(evaluated) == 2


def test_a_flipped_byte_is_found_and_a_second_writer_changes_nothing(tmp_path, small_recipe):
    root = dense(small_recipe)
    store = Store(tmp_path / "runs")
    run = Realiser(store, [root])(root)
    path = run.folder / "predictions.npz"
    whole = path.read_bytes()
    store.add_predictions(root.key, {}, {})
    store.add_predictions("0" * 64, {}, {})
    assert path.read_bytes() == whole and not (store.root / ("0" * 64)).exists()
    for position in np.linspace(0, len(whole) - 2, 9).astype(int):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(DamagedFileError, match=r"predictions.npz.*damaged"):
            store.find(root.key).predictions()
    path.unlink()
    with pytest.raises(DamagedFileError, match=r"predictions.npz is missing"):
        Realiser(store, []).predictions(root)
