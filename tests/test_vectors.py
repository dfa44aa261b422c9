"""Embeddings that begin with vectors from a file: each format, what is refused, what keys hold."""

from __future__ import annotations

import dataclasses
import gzip
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT, SMALL, user_environment, write_reviews
from tflottery.data.words import vectors
from tflottery.errors import UserError
from tflottery.experiments import configuration
from tflottery.experiments.driver import Driver
from tflottery.files import sha256_of_file
from tflottery.runs.realise import Realiser
from tflottery.runs.recipes import (
    Recipe,
    recipe_from_settings,
    recipe_from_tables,
    recipe_to_tables,
    without_places,
)
from tflottery.runs.store import Store
from tflottery.runs.vectors import identify_vectors, keep_vectors
from tflottery.tickets import plan as plans
from tflottery.tickets.settings import PruningSettings
from tflottery.training.settings import TrainingSettings

SIZE = 8
TABLE = "embedding/embeddings"
WORDS = ("film", "fun", "loved", "naïve", "nowhere", "dull", "heart")
NUMBERS = np.random.default_rng(3).normal(size=(len(WORDS), SIZE)).astype(np.float32)


def lines(words=WORDS, numbers=NUMBERS) -> str:
    return "".join(
        f"{word} {' '.join(f'{number:.9g}' for number in row)}\n"
        for word, row in zip(words, numbers, strict=True)
    )


def header(count: int = len(WORDS), size: int = SIZE) -> bytes:
    return f"{count} {size}\n".encode()


def binary(between: bytes = b"\n") -> bytes:
    rows = zip(WORDS, NUMBERS, strict=True)
    records = [word.encode() + b" " + struct.pack(f"<{SIZE}f", *row.tolist()) for word, row in rows]
    return header() + between.join(records) + between


FORMATS = {
    "glove": lines().encode(),
    "word2vec": header() + lines().encode(),
    "fasttext": header() + lines().replace("\n", " \n").encode(),  # as fastText ends its lines
    "binary": binary(),
    "binary in one": binary(between=b""),
    "packed": gzip.compress(lines().encode(), mtime=0),
}


def write(folder: Path, content: bytes, name: str = "given.txt") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.fixture(params=FORMATS)
def file(request, tmp_path) -> Path:
    name = "given.gz" if request.param == "packed" else "given.vec"
    return write(tmp_path, FORMATS[request.param], name)


def needs_gensim() -> None:
    pytest.importorskip("gensim")


def test_a_format_is_told_by_its_first_lines(file):
    kinds = {FORMATS["glove"]: "glove", FORMATS["packed"]: "glove"}
    kinds |= {FORMATS[name]: "binary" for name in ("binary", "binary in one")}
    how = vectors.layout(file)
    assert how.size == SIZE and how.kind == kinds.get(file.read_bytes(), "text")


def test_every_format_gives_the_same_vectors(file):
    needs_gensim()
    places, table = vectors.read(file).of(["film", "unheard", "naïve", "heart"])
    assert places.tolist() == [0, 2, 3] and table.dtype == np.float32
    assert np.array_equal(table, NUMBERS[[0, 3, 6]])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no vectors"),
        (b"text,label\na fine film,pos\n", "holds no vectors"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "holds no vectors"),
        (b"film\nfun\n", "holds no vectors"),
        (b"film 0.1 nan\nfun 0.2 0.3\n", "holds no vectors"),
        (header(len(WORDS) * 9), "ends before its last vector; its first line says 63 vectors"),
        (header(10**12), "ends before its last vector"),
        (binary()[:-40], "ends before its last vector"),
        (lines(numbers=NUMBERS[:, :5]).encode(), "holds vectors of 5 numbers, and model.embedding"),
        (header(size=5) + lines(numbers=NUMBERS[:, :5]).encode(), "set model.embedding=5"),
    ],
)  # fmt: skip
def test_what_first_lines_show_is_refused_without_reading_on(tmp_path, content, words):
    with pytest.raises(UserError, match=words) as refused:
        vectors.require_size(write(tmp_path, content), SIZE)
    assert str(tmp_path) in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        # Too few bytes are gone for the first line to show it.
        (binary()[:-8], "ends before its last vector"),
        (header() + lines(WORDS[:-1], NUMBERS[:-1]).encode(), "ends before its last vector"),
        (lines().encode()[:-30], "is damaged, or holds words with spaces"),
        (lines().encode() + b"a b 0.1\n", "is damaged, or holds words with spaces"),
        (gzip.compress(lines().encode(), mtime=0)[:-30], "ends before its last vector"),
    ],
)
def test_what_only_reading_shows_is_one_line_too(tmp_path, content, words):
    needs_gensim()
    name = "given.gz" if content[:2] == b"\x1f\x8b" else "given.txt"
    with pytest.raises(UserError, match=words) as refused:
        vectors.read(write(tmp_path, content, name))
    assert "\n" not in str(refused.value)


def test_a_number_that_is_none_is_found(tmp_path):
    needs_gensim()
    odd = NUMBERS.copy()
    odd[5, 2] = np.inf
    with pytest.raises(UserError, match="'dull' has a number that is none"):
        vectors.read(write(tmp_path, lines(numbers=odd).encode()))


def test_a_file_that_was_changed_is_read_again(tmp_path):
    needs_gensim()
    path = write(tmp_path, lines().encode())
    vectors.read(path)
    write(tmp_path, lines(("other", *WORDS[1:])).encode())
    assert "other" in vectors.read(path).rows


BAD_CALLS = """
import sys
from tflottery import find_ticket, UserError
for path, size in zip(sys.argv[1::2], sys.argv[2::2]):
    for dry_run in (True, False):
        try:
            find_ticket("mine.csv", sparsity=0.36, dry_run=dry_run, progress=False,
                        set={"model.vectors": path, "model.embedding": int(size)})
        except UserError as error:
            print("REFUSED", str(error).count(chr(10)), error)
print("LOADED", [name for name in ("tensorflow", "tf_keras") if name in sys.modules])
"""


def test_mistakes_are_one_line_each_before_tensorflow_is_imported(tmp_path):
    needs_gensim()
    write_reviews(tmp_path / "mine.csv")
    bad = {
        "nowhere.txt": None,
        "noise.txt": b"a fine film\n",
        "cut.bin": binary()[:-8],
        "foreign.txt": lines(["kino", "spaß", "herz", "öde", "fein", "warme", "ja"])
        .encode(),
    }  # fmt: skip
    for name, content in bad.items():
        if content is not None:
            write(tmp_path, content, name)
    write(tmp_path, lines().encode(), "other.txt")
    calls = [*((name, SIZE) for name in bad), ("other.txt", 9)]
    here = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    environment = {**user_environment(), "PYTHONPATH": os.pathsep.join([str(ROOT), *here])}
    done = subprocess.run(
        [sys.executable, "-c", BAD_CALLS, *(str(part) for call in calls for part in call)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    *refused, loaded = done.stdout.splitlines()
    assert loaded == "LOADED []", done.stderr
    said = [line.partition("REFUSED 0 ")[2] for line in refused]
    expected = [
        "There is no file nowhere.txt", "noise.txt holds no vectors", "cut.bin ends before",
        "foreign.txt knows no word", "other.txt holds vectors of 8 numbers",
    ]  # fmt: skip
    assert len(said) == 2 * len(expected)
    for number, line in enumerate(said):
        assert line.startswith(expected[number // 2])
    assert not (tmp_path / "runs").exists()


@pytest.fixture
def given(tmp_path, small_settings):
    """A recipe whose words begin with vectors, and a store."""
    needs_gensim()
    path = write(tmp_path, FORMATS["word2vec"])
    training = TrainingSettings(learning_rate=0.05, batch_size=16, epochs=1)
    model = dataclasses.replace(SMALL["cnn"], vectors=str(path), vectors_scale=0.5)
    store = Store(tmp_path / "runs")
    return identify_vectors(Recipe(small_settings, model, training), store), store


def test_words_begin_with_their_vectors_and_the_others_as_ever(given, small_corpus):
    recipe, store = given
    plain = dataclasses.replace(recipe, model=SMALL["cnn"])
    begun, usual = (
        Realiser(store, [])(plans.make_plan(one, PruningSettings(), 1).dense).snapshot("0ep")
        for one in (recipe, plain)
    )
    found = 0
    for row, word in enumerate(small_corpus.vocabulary.words):
        if word in WORDS:
            found += 1
            expected = np.float32(0.5) * NUMBERS[WORDS.index(word)]
        else:
            expected = usual[TABLE][row]
        assert np.array_equal(begun[TABLE][row], expected)
    assert 2 < found < len(WORDS)
    assert all(np.array_equal(begun[name], usual[name]) for name in begun if name != TABLE)


def test_coverage_is_said_in_one_line(given, small_corpus):
    recipe, store = given
    (said,) = keep_vectors(recipe, store)
    words = small_corpus.vocabulary.words[2:]
    known = [word for word in words if word in WORDS]
    assert said.startswith(f"Vectors: {len(known)} of {len(words)} words of the vocabulary")
    counts = dict(zip(small_corpus.unigrams.words, small_corpus.unigrams.counts, strict=True))
    share = sum(counts[word] for word in known) / sum(counts[word] for word in words)
    assert f"which are {100 * share:.1f} % of the running words" in said
    plain = dataclasses.replace(recipe, model=SMALL["cnn"])
    assert keep_vectors(plain, store) == ()


@pytest.mark.parametrize("dry_run", [False, True])
def test_threads_are_set_before_texts_are_read_for_their_words(given, monkeypatch, dry_run):
    """TensorFlow Datasets, which may read them, imports TensorFlow, whose threads stay."""
    recipe, store = given
    driver = Driver(store, "local", None, None, "", "", False)
    done = []
    monkeypatch.setattr(driver, "prepare", lambda: done.append("threads"))
    monkeypatch.setattr(
        "tflottery.experiments.driver.identify_vectors",
        lambda recipe, store: done.append("texts") or recipe,
    )
    driver.identify(recipe, 2, dry_run=dry_run)
    assert done == (["texts"] if dry_run else ["threads", "texts"])


def test_once_kept_the_file_is_not_needed(given, tmp_path):
    """By a worker elsewhere, nor by a ticket later."""
    recipe, store = given
    keep_vectors(recipe, store)
    (tmp_path / "given.txt").unlink()
    made = plans.make_plan(recipe, PruningSettings(sparsity=0.2), 1)
    realise = Realiser(store, made.specs())
    realise(made.levels[0].ticket)
    assert identify_vectors(recipe, store) == recipe
    with pytest.raises(UserError, match=r"given.txt, which is not here; give --set model.vectors"):
        keep_vectors(recipe, Store(tmp_path / "other"))


def test_frozen_vectors_stay_and_are_not_pruned(given, small_corpus):
    recipe, store = given
    frozen = dataclasses.replace(
        recipe, model=dataclasses.replace(recipe.model, vectors_frozen=True)
    )
    made = plans.make_plan(frozen, PruningSettings(sparsity=0.36), 1)
    realise = Realiser(store, made.specs())
    dense, ticket = realise(made.dense), realise(made.levels[-1].ticket)
    for run in (dense, ticket):
        assert TABLE not in run.masks()
        assert np.array_equal(run.snapshot("end")[TABLE], dense.snapshot("0ep")[TABLE])
    trained = Realiser(store, [])(plans.make_plan(recipe, PruningSettings(), 1).dense)
    assert not np.array_equal(trained.snapshot("end")[TABLE], trained.snapshot("0ep")[TABLE])


def test_a_key_holds_the_content_and_not_the_place(given, tmp_path):
    recipe, store = given

    def key(path: Path, **changes) -> str:
        model = dataclasses.replace(recipe.model, vectors=str(path), vectors_hash="", **changes)
        known = identify_vectors(dataclasses.replace(recipe, model=model), store)
        return plans.make_plan(known, PruningSettings(), 1).dense.key

    first = key(write(tmp_path, FORMATS["word2vec"]))
    assert key(write(tmp_path, FORMATS["word2vec"], "moved.txt")) == first
    other = [
        key(write(tmp_path, lines(numbers=NUMBERS + 1).encode(), "other.txt")),
        key(tmp_path / "given.txt", vectors_scale=0.3),
        key(tmp_path / "given.txt", vectors_frozen=True),
    ]
    assert len({first, *other}) == 4


def test_a_recipe_keeps_its_hash_and_a_configuration_cannot_set_it(given, tmp_path):
    recipe, _ = given
    tables = recipe_to_tables(recipe)
    assert recipe_from_tables(tables) == recipe
    assert without_places(tables)["model"]["vectors"] == "given.txt"
    assert tables["model"]["vectors_hash"] == sha256_of_file(tmp_path / "given.txt")
    with pytest.raises(UserError, match=r"no key model\.vectors_hash"):
        recipe_from_settings({"model": {"vectors_hash": "a"}})


def test_a_tickets_file_must_be_what_it_was(given, tmp_path):
    recipe, store = given
    write(tmp_path, lines(numbers=NUMBERS + 1).encode())
    with pytest.raises(UserError, match="other content than when the ticket was found"):
        identify_vectors(recipe, store)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vectors_scale": 0.3}, "model.vectors_scale goes with model.vectors"),
        ({"vectors_frozen": True}, "model.vectors_frozen goes with model.vectors"),
        ({"vectors": "a.txt", "vectors_scale": 0.0}, "model.vectors_scale is above 0"),
        ({"vectors": "a.txt", "vectors_scale": float("nan")}, "model.vectors_scale is above 0"),
    ],
)
@pytest.mark.parametrize("model", sorted(SMALL))
def test_what_goes_with_no_file_is_refused(model, changes, words):
    with pytest.raises(UserError, match=words):
        dataclasses.replace(SMALL[model], **changes)


def test_settings_of_stronger_networks_go_together(tmp_path):
    """Both ends of long texts, more of them, vectors scaled, words dropped: in one call."""
    chosen = configuration.load(
        "imdb_lstm", {},
        {"data.keep": "both", "data.max_length": 400, "model.vectors": str(tmp_path / "a.txt"),
         "model.vectors_scale": 0.3, "model.embedding": 50, "model.word_dropout": 0.3},
    )  # fmt: skip
    model = chosen.model
    assert (chosen.data.keep, chosen.data.max_length, model.name) == ("both", 400, "lstm")
    assert (model.vectors_scale, model.embedding, model.word_dropout) == (0.3, 50, 0.3)


def test_a_recorded_command_names_the_file_and_not_its_place():
    given = {"model.vectors": "/home/me/glove.txt", "data.data_dir": "/data", "training.epochs": 2}
    expected = ("model.vectors=glove.txt", "training.epochs=2")
    assert configuration.recorded(given) == expected
    assert configuration.recorded([f"{key}={value}" for key, value in given.items()]) == expected
