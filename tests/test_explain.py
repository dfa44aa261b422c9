"""What each word did: occlusions by their definition, and shown to people without harm."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

import tflottery as tfl
from tests.exported import CLASSES, WORDS, make_ticket, save_unchecked
from tflottery.cli import predict
from tflottery.data.words.wording import Wording
from tflottery.errors import UserError
from tflottery.exports import client, reading
from tflottery.reasons import coloured, words
from tflottery.reasons.words import explanations, log_odds, occlusions
from tflottery.scoring.integrated import Integrated
from tflottery.scoring.model import Scorer, per_class

_IDS = st.lists(st.integers(1, 9), min_size=2, max_size=12)


def bag(weights: np.ndarray, bias: np.ndarray) -> words.Ask:
    """A linear bag of words: int ids → probabilities, of two classes or more."""

    def ask(texts):
        logits = np.array([weights[list(ids)].sum(axis=0) + bias for ids in texts])
        if logits.shape[1] == 1:
            second = 1 / (1 + np.exp(-logits))
            return np.hstack([1 - second, second])
        odds = np.exp(logits)
        return odds / odds.sum(axis=1, keepdims=True)

    return ask


def explained(ids: list[list[int]], ask: words.Ask, classes=CLASSES) -> list[words.Explanation]:
    scores = ask(ids)
    names = [[f"w{number}" for number in one] for one in ids]
    labels = [classes[number] for number in scores.argmax(axis=1)]
    texts = [" ".join(one) for one in names]
    unread = [0] * len(ids)
    by = occlusions(ask)
    return explanations(texts, names, ids, unread, labels, scores, tuple(classes), by)


@settings(max_examples=20)
@given(st.lists(_IDS, min_size=1, max_size=3), st.integers(0, 1_000))
def test_occlusions_of_a_linear_bag_of_words_sum_to_its_score(ids, seed):
    random = np.random.default_rng(seed)
    weights, bias = random.normal(0, 0.5, (10, 1)), random.normal(0, 0.5, 1)
    ask = bag(weights, bias)
    for one, numbers in zip(explained(ids, ask), ids, strict=True):
        odds = log_odds(ask([numbers]))[0]
        assert one.effects[:, 1].sum() == pytest.approx(odds[1] - bias[0], abs=1e-6)
        assert one.effects[:, 1] == pytest.approx(weights[numbers, 0], abs=1e-6)
        assert one.effects[:, 0] == pytest.approx(-one.effects[:, 1], abs=1e-9)
        side = CLASSES.index(one.label)
        assert one.table["effect"].tolist() == one.effects[:, side].tolist()


@settings(max_examples=15)
@given(_IDS, st.integers(0, 1_000), st.integers(2, 4))
def test_an_effect_is_the_score_with_the_word_minus_that_without(ids, seed, classes):
    """Of a network that is no bag, where words do their work together."""
    random = np.random.default_rng(seed)
    pairs = random.normal(0, 1, (10, 10, classes))

    def ask(texts):
        logits = np.array(
            [sum((pairs[a, b] for a, b in pairwise(t)), pairs[t[0], t[0]])
             for t in texts]
        )  # fmt: skip
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    names = [f"class {number}" for number in range(classes)]
    (one,) = explained([ids], ask, names)
    for place in range(len(ids)):
        without = [*ids[:place], *ids[place + 1 :]]
        both = log_odds(ask([ids, without]))
        assert one.effects[place] == pytest.approx(both[0] - both[1])
        change = ask([ids])[0] - ask([without])[0]
        assert one.changes[place] == pytest.approx(change[names.index(one.label)])


def test_probabilities_of_0_and_1_have_log_odds():
    odds = log_odds(np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]], np.float32))
    assert np.isfinite(odds).all() and odds[0, 1] > 16 and odds[2].tolist() == [0, 0]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("explained")
    base = save_unchecked(make_ticket(folder / "ticket", "cnn"), folder / "small")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(client, "load", cache(client.load))
        yield base


def test_an_export_explains_its_own_scores(model):
    text = "A film I'd gladly see, again; <b>not</b> dull! " + " ".join(WORDS[:9])
    (one,) = tfl.explain(model, text)
    assert one.words == ("a", "film", "id", "gladly", "see", "again", "b", "not", "b", "dull", "!",
                         "a")  # fmt: skip
    assert one.known[2] is False and one.known[0] is True and one.unread == 8
    ask = client.local(client.Model(model))
    (whole,) = ask([text.encode()])
    assert one.label == whole.label
    for place, effect in enumerate(one.effects[:, 1]):
        rest = " ".join([*one.words[:place], *one.words[place + 1 :]])
        (without,) = ask([rest.encode()])
        both = log_odds(np.array([[1 - s, s] for s in (whole.score, without.score)]))[:, 1]
        assert effect == pytest.approx(both[0] - both[1], abs=1e-4)


def test_texts_without_words_have_nothing_to_explain(model):
    found = tfl.explain(model, ["", "!", " \n", "again"])
    assert [one.words for one in found] == [(), ("!",), (), ("again",)]
    assert found[0].effects.shape == (0, 2) and coloured.in_words(found[0]) == (
        "no word changes its score"
    )
    assert found[3].effects[0, 1] == pytest.approx(
        log_odds(np.array([[1 - one.score if one.label == "positive" else one.score,
                            one.score if one.label == "positive" else 1 - one.score]
                           for one in (found[3], found[0])]))[:, 1] @ [1, -1], abs=1e-4
    )  # fmt: skip
    assert tfl.explain(model, []) == []


def test_an_export_that_reads_otherwise_is_told(model, tmp_path):
    data = {"tokens": "characters"}
    base = save_unchecked(make_ticket(tmp_path / "t", "cnn", **data), tmp_path / "characters")
    with pytest.raises(tfl.UserError, match="reads texts in another way"):
        tfl.explain(base, "a film")
    reading.write(base / "1", Wording(**data), None)
    assert tfl.explain(base, "a fi!")[0].words == ("a", "f", "i", "!")
    (base / "1" / reading.FILE).write_text("{}")
    with pytest.raises(tfl.UserError, match="is damaged"):
        tfl.explain(base, "a film")


def test_what_an_export_says_of_its_reading_comes_back(tmp_path, model):
    (tmp_path / "assets").mkdir()
    text = (model / "1" / "assets" / "vocabulary.txt").read_bytes()
    (tmp_path / "assets" / "vocabulary.txt").write_bytes(text)
    rows = np.arange(len(WORDS) + 2) % 3 == 0
    for wording, own in ((Wording("auto", True, "both"), rows), (Wording(), None)):
        reading.write(tmp_path, wording, own)
        found = reading.read(tmp_path)
        assert found.wording == wording and found.is_written
        assert (found.own_rows is None) if own is None else (found.own_rows == own).all()


HOSTILE = words.Explanation(
    "x", "<b>\x1b[31m", 0.5, ("<b>\x1b[31m", "y"), ("<script>", "\x1b]0;t\x07", "[red]", "&"),
    (True, False, True, True), np.array([[1.0, -1], [-2, 2], [0.5, 0], [0, 0]]), np.zeros(4),
)  # fmt: skip


def test_hostile_words_are_shown_and_not_obeyed():
    page = HOSTILE._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page and "&amp;" in page
    assert "\x1b" not in page and '"unknown"' in page
    console = Console(force_terminal=False, width=200)
    with console.capture() as captured:
        console.print(coloured.terminal(HOSTILE))
    shown = captured.get() + coloured.in_words(HOSTILE)
    assert "[red]" in shown and all(sign.isprintable() or sign == "\n" for sign in shown)


SIDES = words.Explanation(
    "", "positive", 0.9, CLASSES, ("best", "worst", "fair", "poor", "a", "film"),
    (True, True, True, True, True, False),
    np.array([[-2.0, 2], [1.6, -1.6], [-0.5, 0.5], [0.4, -0.4], [-0.1, 0.1], [0, 0]]), np.zeros(6),
)  # fmt: skip


def test_words_for_the_label_are_green_and_those_against_it_red():
    console = Console(force_terminal=True, color_system="standard", no_color=False, width=200)
    with console.capture() as captured:
        console.print(coloured.terminal(SIDES))
    # 32 is green and 31 red; 1 is bold, 7 reversed.
    strong, weak = "\x1b[1;7;{}m{}\x1b[0m", "\x1b[1;{}m{}\x1b[0m"
    shown = [strong.format(32, "best"), strong.format(31, "worst"), weak.format(32, "fair"),
             weak.format(31, "poor"), "a", "film"]  # fmt: skip
    assert captured.get().split() == " ".join(shown).split()
    found = re.findall(
        r'<span title="(.*?)"(?: style="background: (.*?)")?(.*?)>(.*?)<', SIDES._repr_html_()
    )
    green, red = "rgba(31, 136, 61, {})", "rgba(207, 34, 46, {})"
    assert found == [
        ("+2.000", green.format("0.60"), "", "best"), ("-1.600", red.format("0.48"), "", "worst"),
        ("+0.500", green.format("0.15"), "", "fair"), ("-0.400", red.format("0.12"), "", "poor"),
        ("+0.100", "", "", "a"), ("+0.000", "", ' class="unknown"', "film"),
    ]  # fmt: skip
    assert coloured.in_words(SIDES) == (
        "for positive: best +2.00, fair +0.50, a +0.10; against positive: worst -1.60, poor -0.40"
    )


def test_the_command_colours_words_by_their_effects(model, tmp_path, monkeypatch, capsys):
    text = "a film i would gladly see again not dull"
    (one,) = tfl.explain(model, text)
    strongest = np.abs(one.for_label).max()
    sides = {
        word: "green" if effect > 0 else "red"
        for word, effect in zip(one.words, one.for_label, strict=True)
        if abs(effect) >= strongest / 10
    }
    assert set(sides.values()) == {"green", "red"}
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    ask = ["--model", str(model), "--explain", text]
    assert predict.main(ask) == 0
    told = re.findall(r"\x1b\[1(?:;7)?;(31|32)m(.*?)\x1b\[0m", capsys.readouterr().out)
    assert {word: {"32": "green", "31": "red"}[code] for code, word in told} == sides
    assert predict.main([*ask, "--output", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text()
    told = re.findall(r"background: rgba\((31|207), .*?>(.*?)<", page)
    assert {word: {"31": "green", "207": "red"}[code] for code, word in told} == sides


def test_the_command_explains_on_a_terminal_in_columns_and_as_a_page(
    model, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    ask = ["--model", str(model), "--explain"]
    assert predict.main([*ask, "a film again", "dull"]) == 0
    out = capsys.readouterr().out
    assert "a film again" in out and ": " in out and len(out.splitlines()) == 6
    Path("new.csv").write_text("text,n\na film again,1\n,2\n")
    for name in ("o.csv", "o.jsonl"):
        assert predict.main([*ask, "--input", "new.csv", "--output", name]) == 0
    with Path("o.csv").open(newline="") as stream:
        first, second = csv.DictReader(stream)
    (one,) = tfl.explain(model, "a film again", output="call.html")
    expected = [[[word, round(effect, 3)] for word, effect in side] for side in one.strongest(10)]
    assert [json.loads(first[name]) for name in ("words_for", "words_against")] == expected
    assert second["words_for"] == "[]"
    line = json.loads(Path("o.jsonl").read_text().splitlines()[0])
    assert [line["words_for"], line["words_against"]] == expected
    assert predict.main([*ask, "--input", "new.csv", "--output", "o.csv"]) == 0  # anew

    assert predict.main([*ask, "a film again", "--output", "page.html"]) == 0
    assert predict.main([*ask, "a film", "--output", "page.html"]) == 0
    page = Path("page.html").read_text()
    tfl.explain(model, ["a film"], output="call.html")
    assert Path("call.html").read_text() == page
    for name, said in (("mine.html", "delete it"), ("mine.csv", "as mine.csv.html")):
        Path(name).write_text("mine")
        with pytest.raises(UserError, match=said):
            tfl.explain(model, "a film", output=name)
    assert page.startswith("<!doctype html>") and page.count("<article") == 1
    assert "http" not in page and "<script" not in page
    Path("mine.html").write_text("mine")
    assert predict.main([*ask, "a film", "--output", "mine.html"]) == 2
    assert Path("mine.html").read_text() == "mine"
    assert predict.main([*ask, "--server", "localhost:1", "a"]) == 2
    assert "leave --server out" in capsys.readouterr().err


def test_texts_and_tables_come_back_with_their_words(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = ["a film again", "", "dull"]
    expected = [
        [[[word, round(effect, 3)] for word, effect in side] for side in one.strongest(10)]
        for one in tfl.explain(model, texts)
    ]
    sides = ["words_for", "words_against"]
    found = tfl.score(model, texts, explain=True)
    assert list(found.columns[-2:]) == sides and found[sides].to_numpy().tolist() == expected
    plain = tfl.score(model, texts)
    assert found.drop(columns=sides).equals(plain)

    frame = pd.DataFrame({"text": texts, "label": 1}, index=[7, 7, 9])
    framed = tfl.score(model, frame, explain=True, prefix="m_")
    assert list(framed.index) == [7, 7, 9] and list(framed["m_words_for"]) == [
        of_text[0] for of_text in expected
    ]
    frame.to_csv("new.csv", index=False)
    read = tfl.score(model, "new.csv", explain=True, prefix="m_", by="integrated_gradients")
    (one,) = tfl.explain(model, texts[0], by="integrated_gradients")
    assert read["m_words_for"][0] == [[w, round(effect, 3)] for w, effect in one.strongest(10)[0]]
    assert read["m_words_for"][1] == [] and list(tfl.score(model, [], explain=True)[sides[0]]) == []
    with pytest.raises(tfl.UserError, match="has a column 'words_against' already"):
        tfl.score(model, pd.DataFrame({"text": texts, "words_against": 1}), explain=True)
    with pytest.raises(tfl.UserError, match="explain is 'perhaps'"):
        tfl.score(model, texts, explain="perhaps")


@pytest.mark.parametrize(
    "kind",
    ["cnn", *(pytest.param(one, marks=pytest.mark.long) for one in ("lstm", "transformer"))],
)
@pytest.mark.parametrize("classes", [CLASSES, ("bad", "fair", "good")], ids=len)
def test_integrated_gradients_sum_to_what_the_words_change(kind, classes, tmp_path):
    ticket = make_ticket(tmp_path / "ticket", kind, classes=classes)
    folder = save_unchecked(ticket, tmp_path / "small")
    scorer = Scorer(folder)
    ids = [[2, 3, 4, 3], [5], list(range(2, 14)), [1]]
    before = scorer.score_ids(ids)
    blank = tf.saved_model.load(str(folder / "1"))
    table = blank.weights["embedding/embeddings"]
    table.assign(tf.zeros_like(table))
    given = tf.constant(scorer.padded(ids))
    zero = per_class(blank.signatures["ids"](ids=given)["score"].numpy())
    found = Integrated(scorer).effects(ids)
    assert [one.shape for one, _ in found] == [(len(of_text), len(classes)) for of_text in ids]
    moved = log_odds(before) - log_odds(zero)
    assert np.abs(moved).max() > 0.05
    for row, (on_odds, on_scores) in enumerate(found):
        assert on_odds.sum(axis=0) == pytest.approx(moved[row], abs=2e-2)
        assert on_scores.sum(axis=0) == pytest.approx(before[row] - zero[row], abs=5e-3)


def test_what_effects_are_computed_by_is_chosen(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (one,) = tfl.explain(model, "a film again", by="integrated_gradients")
    (other,) = tfl.explain(model, "a film again")
    assert (one.words, one.score) == (other.words, other.score)
    assert not np.allclose(one.effects, other.effects)
    with pytest.raises(tfl.UserError, match=r"by 'occlusions'\. Did you mean 'occlusion'"):
        tfl.explain(model, "a film again", by="occlusions")
    ask = ["--model", str(model), "--by", "integrated_gradients"]
    Path("new.csv").write_text("text\na film again\n")
    assert predict.main([*ask, "--explain", "--input", "new.csv", "--output", "o.csv"]) == 0
    with Path("o.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    expected = [[word, round(effect, 3)] for word, effect in one.strongest(10)[0]]
    assert json.loads(row["words_for"]) == expected
    assert predict.main([*ask, "a film"]) == 2
    assert "--by says what --explain goes by" in capsys.readouterr().err


def test_numbers_of_words_are_scored_as_their_text(model):
    scorer = Scorer(model)
    ids = [[2, 3, 4], [5], list(range(2, 14))]
    alone = client.load(model / "1").signatures["ids"]
    for one, scores in zip(ids, scorer.score_ids(ids), strict=True):
        padded = np.zeros((1, scorer.max_length), np.int32)
        padded[0, : len(one)] = one
        assert scores[1] == pytest.approx(alone(ids=tf.constant(padded))["score"].numpy()[0])
