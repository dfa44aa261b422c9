"""What decides a class: beside an export and in its card, in a bundle, in a report of the model."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import write_reviews
from tests.exported import CLASSES, VOCABULARY, drawn_texts, make_ticket
from tflottery.cli import report as command
from tflottery.data.encoded import Corpus
from tflottery.data.words.unigrams import Unigrams
from tflottery.errors import UserError
from tflottery.experiments.reports import write_report
from tflottery.experiments.ticket.decisive import load_decisive
from tflottery.exports import bundle, decisive, network, own_texts, saved_model
from tflottery.exports.formats.format import about
from tflottery.exports.model_card import model_card
from tflottery.exports.own_texts import OwnTexts
from tflottery.exports.publishing import publish
from tflottery.exports.verification import scorer
from tflottery.files import seal
from tflottery.reasons.written import FILE
from tflottery.runs.store import Store

TEXTS = drawn_texts(np.random.default_rng(5), 60)
CORPUS = Corpus(
    "toy", TEXTS, TEXTS, TEXTS, VOCABULARY, Unigrams((), np.zeros(0, np.int64)), CLASSES
)


@pytest.fixture(scope="module")
def ticket(tmp_path_factory):
    return make_ticket(tmp_path_factory.mktemp("ticket") / "cnn", "cnn")


@pytest.fixture(scope="module")
def base(ticket, tmp_path_factory) -> Path:
    """A model whose checks in a fresh process other tests have."""
    folder = tmp_path_factory.mktemp("models") / "small"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tflottery.exports.publishing.verify", lambda *_: 0.0)
        patched.setattr(saved_model, "save", lambda *_: None)
        published = publish(ticket, folder, None, CORPUS)
    assert "and of all 60 test texts within" in published.checked
    return folder


def test_a_card_lists_words_and_n_grams(base):
    card = (base / "1" / "model_card.md").read_text()
    about = json.loads((base / "1" / FILE).read_text())
    assert about["texts"] == about["of"] == 60 and about["split"] == "validation"
    chapter = card.partition("## What decides a class")[2].partition("\n## ")[0]
    assert "In 60 of 60 validation texts" in chapter
    for row in about["words"]:
        assert f"{row['word']} {row['effect']:+.2f}".replace("!", "\\!", 1) in chapter or (
            row["word"] == "!"
        )
    assert {row["class"] for row in about["words"]} == {*CLASSES}
    for row in about["ngrams"]:
        assert f"| {row['filter']} | {row['effect']:+.2f} |" in chapter
    assert about["ngrams"] and "conv_2/" in chapter


def test_a_card_without_the_data_says_nothing_of_words(ticket, tmp_path, monkeypatch):
    monkeypatch.setattr("tflottery.exports.publishing.verify", lambda *_: 0.0)
    monkeypatch.setattr(saved_model, "save", lambda *_: None)
    published = publish(ticket, tmp_path / "small")
    assert "scores of 11 texts within" in published.checked
    assert not (published.folder / FILE).exists()
    card = (published.folder / "model_card.md").read_text()
    assert "What decides" not in card and "\n\n\n" not in card


def test_a_bundle_lists_them_too(ticket, base, tmp_path):
    made = bundle.write(ticket, tmp_path / "small-bundle", OwnTexts(CORPUS))
    card = (made.folder / "README.md").read_text()
    assert "## What decides a class" in card and FILE in (made.folder / "SHA256SUMS").read_text()
    words = [json.loads((one / FILE).read_text())["words"] for one in (base / "1", made.folder)]
    assert words[0] == words[1]
    lacking = bundle.write(ticket, tmp_path / "other-bundle", OwnTexts(None, "It is gone."))
    (line,) = lacking.remarks
    assert line.endswith("cannot be had: It is gone.")
    assert not (lacking.folder / FILE).exists()


@pytest.mark.parametrize("vectors", ["", "glove.txt"])
def test_what_goes_to_other_machines_names_no_folder_of_this_one(ticket, tmp_path, vectors):
    write_reviews(tmp_path / "films.csv")
    given = ticket.about["recipe"]
    data = {**given["data"], "dataset": str(tmp_path / "films.csv"), "data_dir": str(tmp_path)}
    other = {**data, "dataset": str(tmp_path / "others.csv")}
    data["vocabulary_from"] = [other]
    model = {**given["model"], "vectors": vectors and str(tmp_path / vectors),
             "vectors_hash": vectors and "0" * 64}  # fmt: skip
    recipe = {**given, "data": data, "model": model}
    of_file = replace(ticket, about={**ticket.about, "recipe": recipe})
    served = network.of_ticket(ticket)
    python_model = scorer(ticket.build("final"))
    decisive.write(tmp_path, decisive.of_network(served, ticket, python_model, TEXTS), of_file)
    said = {
        "deciding.json": (tmp_path / FILE).read_text(),
        "metadata": json.dumps(about(of_file)),
        "model card": model_card(of_file, served, "m", 1, "checked"),
        "bundle's card": bundle.card(of_file, "m-bundle"),
    }
    assert not [name for name, text in said.items() if str(tmp_path) in text]
    assert all("films.csv" in text for text in said.values())
    assert not vectors or all(vectors in said[name] for name in said if name != "metadata")
    assert load_decisive(tmp_path).about["dataset"] == "films.csv"


def test_a_report_of_a_model_is_made_of_its_file(base, tmp_path):
    index = write_report(tmp_path / "nowhere", tmp_path / "report", model=base)
    page = index.read_text(encoding="utf-8")
    about = json.loads((base / "1" / FILE).read_text())
    for row in about["words"]:
        assert f">{row['word']}</t" in page.replace("\n", "")
    assert "small, version 1" in page and "<script" not in page
    links = set(re.findall(r'href="([^"#][^"]*)"', page)) - {"data:,"}
    assert links and all((index.parent / link).is_file() for link in links)
    markdown = (index.parent / "report.md").read_text(encoding="utf-8")
    assert "conv\\_2/" in markdown or "conv_2/" in markdown
    again = write_report(tmp_path / "nowhere", tmp_path / "again", model=[base / "1"])
    assert again.read_bytes().replace(b"small/1", b"small") == index.read_bytes().replace(
        b"small/1", b"small"
    )


def test_the_command_takes_a_model(base, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command.main(["--model", str(base)]) == 0
    assert "Report: report/index.html" in capsys.readouterr().out
    assert command.main(["--model", str(base), "--model", str(base / "1")]) == 2
    assert "Two models are called small, version 1" in capsys.readouterr().err
    assert command.main(["--model", "elsewhere"]) == 2
    assert "There is no folder elsewhere" in capsys.readouterr().err


def _damaged(text: str) -> str:
    return text.replace('"of": 60', '"of": 61')


def _resealed(text: str) -> str:
    document = json.loads(text)
    del document["sha256"]
    document["words"][0]["effect"] = "much"
    return seal(document)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_damaged, "is damaged: its checksum"),
        (_resealed, r"has no valid 'words\[0\].effect'"),
        (lambda text: text[:40], "is damaged"),
        (None, "export the ticket anew"),
    ],
)
def test_a_damaged_or_missing_list_is_named(base, tmp_path, change, message):
    folder = tmp_path / "small" / "1"
    folder.mkdir(parents=True)
    if change:
        (folder / FILE).write_text(change((base / "1" / FILE).read_text()))
    with pytest.raises(UserError, match=message) as caught:
        write_report(tmp_path / "nowhere", tmp_path / "report", model=tmp_path / "small")
    assert "\n" not in str(caught.value) and not (tmp_path / "report").exists()


def test_data_that_are_gone_or_others_are_told_and_needed_ones_refused(tmp_path, small_settings):
    ticket = make_ticket(tmp_path / "ticket", "cnn")
    about = {**ticket.about, "recipe": {**ticket.about["recipe"]}}
    file = write_reviews(tmp_path / "mine.csv")
    data = replace(small_settings, dataset=str(file))
    gone = replace(ticket.recipe, data=replace(data, dataset=str(tmp_path / "gone.csv")))
    other = replace(ticket.recipe, data=data)
    for recipe, why in ((gone, "gone.csv"), (other, "vocabulary is not the ticket's")):
        changed = replace(ticket, about=about)
        changed.__dict__["recipe"] = recipe
        found = own_texts.of(changed, None, Store(tmp_path / "runs"))
        assert found.corpus is None and why in found.why
        assert why in found.remark("Nothing is compared")
        with pytest.raises(UserError, match=re.escape(why)):
            own_texts.of(changed, None, Store(tmp_path / "runs"), needed=True)
