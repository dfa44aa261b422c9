"""What a model is worth: metrics with intervals, classes, calibration; a threshold that stays."""

from __future__ import annotations

import csv
import importlib
import math
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

import tflottery as tfl
from tests.conftest import write_reviews
from tests.exported import CLASSES, VOCABULARY, make_ticket, save_unchecked
from tflottery.cli import evaluate as command
from tflottery.cli import predict
from tflottery.data.encoding import encode
from tflottery.data.held_out import HeldOut
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings
from tflottery.exports import checksums, client, places, threshold
from tflottery.exports.session import Process
from tflottery.metrics import METRICS
from tflottery.scoring import worth


def drawn(texts: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and scores that know a little of them."""
    random = np.random.default_rng(seed)
    labels = random.integers(classes, size=texts)
    logits = random.normal(size=(texts, classes)) + 0.8 * np.eye(classes)[labels]
    scores = np.exp(logits)
    return labels, scores / scores.sum(axis=1, keepdims=True)


def test_values_are_the_metrics_and_lie_in_their_intervals():
    labels, scores = drawn(400, 3)
    table = worth.metrics(labels, scores, scores.argmax(axis=1)).set_index("metric")
    assert list(table.index) == list(METRICS)
    for name, row in table.iterrows():
        assert row["value"] == METRICS[name](labels, scores)
        assert row["low"] < row["value"] < row["high"]


@pytest.mark.long
def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """Of 200 samples of a population; binomial chance of fewer than 180 at 95 %: 0.2 %."""
    labels, scores = drawn(50_000, 2)
    truth = {name: metric(labels, scores) for name, metric in METRICS.items()}
    held = dict.fromkeys(("accuracy", "macro_f1", "log_loss"), 0)
    random = np.random.default_rng(1)
    for _ in range(200):
        some = random.choice(len(labels), 300)
        table = worth.metrics(labels[some], scores[some], scores[some].argmax(axis=1))
        for name, _, low, high in table.itertuples(index=False):
            if name in held:
                held[name] += low <= truth[name] <= high
    assert all(count >= 180 for count in held.values()), held


def test_what_cannot_be_computed_has_no_value():
    scores = np.array([[0.9, 0.1], [0.2, 0.8]])
    table = worth.metrics(np.array([1, 1]), scores, np.array([0, 1])).set_index("metric")
    assert math.isnan(table.loc["roc_auc", "value"]) and math.isnan(table.loc["roc_auc", "low"])
    classes = worth.by_class(np.array([1, 1]), np.array([1, 1]), CLASSES).set_index("class")
    assert math.isnan(classes.loc["negative", "recall_low"])
    assert classes.loc["positive", "recall"] == 1


@given(st.integers(0, 40), st.integers(1, 40))
def test_wilsons_interval_ends_where_the_score_test_does(hits, more):
    texts = hits + more
    share = hits / texts
    for end in worth.wilson(hits, texts):
        reach = 1.959964 * math.sqrt(end * (1 - end) / texts)
        assert abs(end - share) == pytest.approx(reach, abs=1e-6)


def test_bins_of_the_calibration_sum_to_its_error():
    labels, scores = drawn(900, 3)
    table = worth.reliability(labels, scores)
    assert table["texts"].sum() == 900
    error = (table["texts"] * (table["confidence"] - table["accuracy"]).abs()).sum() / 900
    assert error == pytest.approx(METRICS["calibration_error"](labels, scores), abs=1e-12)
    assert ((table["above"] < table["confidence"]) & (table["confidence"] <= table["to"])).all()
    assert ((table["low"] <= table["accuracy"]) & (table["accuracy"] <= table["high"])).all()


_SCORES = st.floats(0, 1, width=32) | st.sampled_from([0.25, 0.5, float(np.float32(0.1))])


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 1), _SCORES), min_size=2, max_size=30))
def test_no_threshold_has_a_higher_f1(pairs):
    labels, scores = np.array([pairs[0][0], 1 - pairs[0][0], *[x for x, _ in pairs[2:]]]), None
    scores = np.array([score for _, score in pairs], np.float32)
    limit, f1 = worth.best_f1(labels, scores)
    predicted = (scores > np.float32(limit)).astype(int)
    if limit or scores.min() > 0:
        assert f1_score(labels, predicted) == pytest.approx(f1)
    for other in (*scores.tolist(), 0.0):
        chosen = (scores > np.float32(other)).astype(int)
        assert f1_score(labels, chosen, zero_division=0.0) <= f1 + 1e-12


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("given_splits", [(), ("test",), ("validation", "test")])
def test_texts_of_a_split_are_those_that_training_takes(tmp_path, split, given_splits):
    """Also where equal texts stay on one side."""
    path = write_reviews(tmp_path / "reviews.csv")
    with path.open(newline="") as stream:
        header, *rows = csv.reader(stream)
    if given_splits:
        header.append("split")
        names = ["train", "train", *given_splits]
        rows = [[*row, names[number % len(names)]] for number, row in enumerate(rows)]
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    chosen = sources.identify(DataSettings(dataset=str(path), vocabulary_size=60, max_length=12))
    assert given_splits or chosen.division == 3
    source = sources.open_source(chosen)
    held = HeldOut(source, chosen, split)
    found = list(held)
    corpus = encode(source, chosen, light=True)
    expected = getattr(corpus, split)
    assert held.count == len(found) == len(expected)
    assert [label for _, label in found] == expected.labels.tolist()
    known = {word: number for number, word in enumerate(corpus.vocabulary.words)}
    ids = [[known.get(word, 1) for word in text.decode().replace(",", "").split()]
           for text, _ in found]  # fmt: skip
    assert [row.tolist() for row in np.split(expected.ids, expected.offsets[1:-1])] == ids
    everything = HeldOut(source, chosen, "all")
    assert everything.count == len(list(everything)) == len(rows)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("evaluated")
    base = save_unchecked(make_ticket(folder / "ticket", "cnn"), folder / "small")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(client, "load", cache(client.load))
        yield base


@pytest.fixture
def texts(tmp_path, monkeypatch) -> Path:
    """A labelled table, whose classes are the model's, in a folder of its own; two metrics do."""
    monkeypatch.chdir(tmp_path)
    few = {name: METRICS[name] for name in ("accuracy", "log_loss")}
    monkeypatch.setattr(worth, "METRICS", few)
    words = "a film i would gladly see again dull and flat bland good not ! ?".split()
    random = np.random.default_rng(3)
    rows = [[" ".join(random.choice(words, 6)), CLASSES[n % 2], n] for n in range(150)]
    path = tmp_path / "labelled.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([["text", "label", "n"], *rows])
    return path


def test_an_evaluation_is_what_score_says(model, texts, capsys):
    done = tfl.evaluate(model, texts, split="all")
    scored = tfl.score(model, texts, prefix="m_")
    right = (scored["m_label"] == scored["label"]).mean()
    values = done.metrics.set_index("metric")
    assert values.loc["accuracy", "value"] == pytest.approx(right)
    assert done.confusion.to_numpy().sum() == done.texts == 150 and done.threshold == 0.5
    assert [*done.confusion.index] == [*CLASSES] and "accuracy" in done.sentence
    held = tfl.evaluate(model, texts)
    assert held.texts == 30 and any("training holds out" in line for line in held.remarks)
    assert tfl.evaluate(model, set={"data.dataset": str(texts)}, words=0).texts == 30
    files = done.save(texts.parent / "tables")
    assert all(path.stat().st_size for path in files) and len(files) == 7
    assert command.main(["--model", str(model), "--dataset", str(texts), "--split", "all"]) == 0
    assert done.sentence in capsys.readouterr().out


def test_a_threshold_becomes_a_version_whose_label_follows(model, texts, tmp_path, monkeypatch):
    """Without the fresh process, which a longer test has."""
    monkeypatch.setattr(threshold, "_check", lambda *_: None)
    base = tmp_path / "models" / "small"
    shutil.copytree(model, base)
    done = tfl.evaluate(base, texts, threshold="best-f1", keep=True)
    assert done.model.name == "2" and "highest F1" in done.chosen
    assert threshold.of_version(done.model) == done.threshold != 0.5
    before, after = (tfl.score(base / version, texts, prefix="m_") for version in ("1", "2"))
    assert (before["m_score_positive"] == after["m_score_positive"]).all()
    above = after["m_score_positive"] > np.float32(done.threshold)
    assert (after["m_label"] == np.where(above, "positive", "negative")).all()
    assert (before["m_label"] != after["m_label"]).any()
    again = tfl.evaluate(base, texts)
    assert again.threshold == done.threshold
    assert again.metrics.equals(done.metrics) and again.confusion.equals(done.confusion)
    ids = client.load(done.model).signatures["ids"]
    import tensorflow as tf

    answer = ids(ids=tf.ones([1, 12], tf.int32))
    assert (answer["label"].numpy()[0] == b"positive") == (
        answer["score"].numpy()[0] > np.float32(done.threshold)
    )
    # A version of a version.
    third = tfl.evaluate(base, texts, threshold=0.9, keep=True)
    assert third.model.name == "3" and threshold.of_version(third.model) == 0.9
    assert places.versions(base) == [1, 2, 3]
    assert {"saved_model.pb", "threshold.json"} <= checksums.read(third.model).keys()


@pytest.mark.long
def test_a_server_sees_the_threshold_too(model, texts, tmp_path, capsys):
    base = tmp_path / "models" / "small"
    shutil.copytree(model, base)
    new = threshold.publish(base / "1", 0.9, "Tried.")
    with Process(new) as served:
        answer = served.run("serving_default", {"text": [b"again", b"dull"]})
        assert "AssignVariableOp" not in str(served.operations)
    labels = np.where(answer["score"] > np.float32(0.9), b"positive", b"negative")
    assert answer["label"].tolist() == labels.tolist()
    assert predict.main(["--model", str(base), "again"]) == 0
    assert capsys.readouterr().out.startswith(labels[0].decode())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(threshold.np, "float32", lambda value: 0.0)
        with pytest.raises(tfl.TflotteryError, match="do not follow it"):
            threshold._check(base / "1", new, 0.9)


def features(model: Path, text: str) -> dict[str, float]:
    """The values of a CNN's filters on a text of known words, computed plainly."""
    import tensorflow as tf

    stored = tf.train.load_checkpoint(str(model / "1" / "variables" / "variables"))

    def weight(name: str) -> np.ndarray:
        return stored.get_tensor(f"weights/{name.replace('/', '.S')}/.ATTRIBUTES/VARIABLE_VALUE")

    vectors = weight("embedding/embeddings")[[VOCABULARY.id_of(word) for word in text.split()]]
    found = {}
    for width in (2, 3):
        kernel, bias = weight(f"conv_{width}/kernel"), weight(f"conv_{width}/bias")
        values = tf.nn.conv1d(vectors[None], kernel, 1, "SAME")[0].numpy().max(axis=0) + bias
        found |= {f"conv_{width}/{n}": float(value) for n, value in enumerate(values)}
    return found


def test_words_and_filters_that_decide_a_class(model, texts):
    done = tfl.evaluate(model, texts, split="all", words=150)
    rows = tfl.score(model, texts, prefix="m_")["text"].tolist()
    assert set(done.words["class"]) == {*CLASSES} and (done.words["effect"] > 0).all()
    for row in done.words.groupby("class").first().reset_index().to_dict("records"):
        holding = [text for text in rows if row["word"] in text.split()][: row["texts"]]
        without = [" ".join(w for w in text.split() if w != row["word"]) for text in holding]
        column = f"score_{row['class']}"
        odds = [
            np.log(s / (1 - s))
            for s in (tfl.score(model, some)[column].astype(float) for some in (holding, without))
        ]
        assert row["effect"] == pytest.approx((odds[0] - odds[1]).mean(), abs=1e-4)
    assert len(done.ngrams) and set(done.ngrams["class"]) == {*CLASSES}
    for row in done.ngrams.to_dict("records"):
        # A text of the first n-gram alone, or in its context, moves the filter most of all.
        best = max(features(model, text)[row["filter"]] for text in rows)
        holding = [text for text in rows if row["ngrams"][0] in text]
        assert max(features(model, text)[row["filter"]] for text in holding) == best
    assert tfl.evaluate(model, texts, words=0).words.empty


WRONG = [
    ({"words": -1}, "--words takes a number"),
    ({"model": "nowhere"}, "holds no exported model"),
    ({"dataset": "others.csv"}, "have the class 'bad', which the model does not"),
    ({"dataset": None}, "On which texts"),
    ({"dataset": ""}, "On which texts"),
    ({"split": "half"}, "--split is train"),
    ({"threshold": "best"}, "--threshold is best-f1 or a number"),
    ({"threshold": 1.0}, "--threshold is best-f1 or a number"),
    ({"threshold": "best-f1", "split": "all"}, "would be judged on the same"),
    ({"keep": True}, "keep publishes a threshold"),
    ({"set": {"data.nothing": 1}}, "There is no key data.nothing"),
    ({"set": {"training.epochs": 1}}, "only how data are read can be set"),
    ({"dataset": "tested.csv", "split": "validation"}, "has texts of test alone: none of valid"),
    ({"dataset": "tested.csv", "threshold": "best-f1"}, "has texts of test alone: none of valid"),
    ({"dataset": "two.csv"}, "too few to hold out 20% .* --split all takes every text"),
    ({"dataset": "none.csv", "split": "all"}, "none has no texts to judge the model on"),
    ({"dataset": "none.csv"}, "none has no texts: none of test"),
]


@pytest.mark.parametrize(("given", "message"), WRONG)
def test_a_mistake_is_one_line(model, texts, given, message):
    rows = "".join(f"a film {n},{label}\n" for n in range(20) for label in ("bad", "positive"))
    Path("others.csv").write_text(f"text,label\n{rows}")
    Path("tested.csv").write_text("text,label,split\na,positive,test\nb,negative,test\n")
    Path("two.csv").write_text("text,label\na,positive\nb,negative\n")
    Path("none.csv").write_text("text,label\n")
    with pytest.raises(tfl.UserError, match=message) as caught:
        tfl.evaluate(**{"model": model, "dataset": texts, **given})
    assert "\n" not in str(caught.value)


TO_JUDGE = {
    "one class": ("text,label\n" + 4 * "a film,positive\n", "all", 4),
    "one text": ("text,label\nagain,negative\n", "all", 1),
    "a class of one text": ("text,label\na,negative\n" + 3 * "film,positive\n", "all", 4),
    "no word": ("text,label\n!!!,negative\n...,positive\n", "all", 2),
    "a test split alone": ("text,label,split\na,negative,test\nb,positive,test\n", "test", 2),
    "a test split alone, all": ("text,label,split\na,negative,test\nb,positive,dev\n", "all", 2),
    "a class in the test split alone": (
        "text,label,split\na,negative,train\nb,negative,train\nc,positive,test\n", "test", 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TO_JUDGE)
def test_texts_that_no_training_could_take_are_judged_all_the_same(model, texts, case):
    content, split, count = TO_JUDGE[case]
    path = texts.with_name("new.csv")
    path.write_text(content)
    done = tfl.evaluate(model, path, split=split, words=0)
    assert done.texts == count == done.classes["texts"].sum() == done.confusion.to_numpy().sum()
    assert done.classes["texts"].dtype == np.int64
    scored = tfl.score(model, path, prefix="m_")
    kept = scored if split == "all" or "split" not in scored else scored[scored["split"] == split]
    right = (kept["m_label"] == kept["label"]).mean()
    assert done.metrics.set_index("metric").loc["accuracy", "value"] == right
    assert all("\n" not in line for line in done.remarks)


def test_a_threshold_goes_beside_a_version_and_nowhere_else(tmp_path, monkeypatch):
    base = tmp_path / "m"
    for folder in (base / "1", base / "2", tmp_path / "copied"):
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").touch()
    monkeypatch.chdir(base / "1")
    assert threshold.version_of(Path()) == base / "1"
    assert threshold.version_of(Path("../2")) == Path("../2")
    for odd in (tmp_path / "copied", Path("../../copied")):
        with pytest.raises(tfl.UserError, match="is no version in a model's folder"):
            tfl.evaluate(odd, "toy", threshold=0.3, keep=True)


def test_a_version_that_is_not_whole_is_named_and_files_are_none(tmp_path):
    for folder in ("1", "2"):
        (tmp_path / "m" / folder).mkdir(parents=True)
    (tmp_path / "m" / "1" / "saved_model.pb").touch()
    (tmp_path / "m" / "2024").write_text("notes")
    with pytest.raises(tfl.UserError, match="m/2 is no whole version"):
        client.version_folder(client.Model(tmp_path / "m"))
    (tmp_path / "m" / "2").rmdir()
    assert client.version_folder(client.Model(tmp_path / "m")) == tmp_path / "m" / "1"


@pytest.mark.parametrize("output", ["", "labelled.csv"])
def test_a_folder_that_cannot_be_is_told_before_anything_is_published(
    model, texts, monkeypatch, capsys, output
):
    judging = importlib.import_module("tflottery.scoring.evaluate")
    monkeypatch.setattr(judging, "Scorer", pytest.fail)
    given = ["--model", str(model), "--dataset", str(texts), "--threshold", "0.3", "--keep"]
    assert command.main([*given, "--output", output]) == 2
    assert "output" in capsys.readouterr().err


def test_the_command_names_what_is_missing(capsys):
    assert command.main([]) == 2
    assert "Which model?" in capsys.readouterr().err
    assert command.main(["--model", "x"]) == 2
    assert "On which texts?" in capsys.readouterr().err
