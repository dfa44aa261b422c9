"""Encoded data: splits, the cache, batches."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT, write_reviews
from tflottery.data import batches, corpus, encoding
from tflottery.data.encoded import SPLITS, Encoded
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings
from tflottery.errors import DamagedFileError, UserError


def encoded(texts: list[list[int]], labels: list[int] | None = None) -> Encoded:
    offsets = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    ids = np.array([word for text in texts for word in text], np.int32)
    return Encoded(ids, offsets, np.array(labels or [0] * len(texts), np.int32))


def texts_of(data: Encoded) -> list[list[int]]:
    return [data.ids[a:b].tolist() for a, b in zip(data.offsets, data.offsets[1:], strict=False)]


texts = st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=9), min_size=1, max_size=12)


@given(texts, st.randoms(use_true_random=False), st.integers(1, 9))
def test_taking_rows_reorders_and_cuts(content, random, length):
    rows = [random.randrange(len(content)) for _ in range(7)]
    taken = encoded(content).take(np.array(rows), length)
    assert texts_of(taken) == [content[row][:length] for row in rows]


@given(texts)
def test_padding_comes_after_the_words(content):
    padded = batches.pad(encoded(content))
    assert padded.shape[1] % 16 == 0
    assert [[word for word in row if word] for row in padded.tolist()] == content
    assert all(not row[len(text) :].any() for row, text in zip(padded, content, strict=True))


def test_splits_are_disjoint_stratified_and_cover_everything(small_settings):
    source = sources.open_source(small_settings)
    made = encoding.encode(source, small_settings)
    sizes = [len(getattr(made, split)) for split in SPLITS]
    assert sum(sizes) == len(list(source.examples("train")))
    assert all(getattr(made, split).labels.mean() == 0.5 for split in SPLITS)


def test_the_vocabulary_comes_from_the_training_split_alone(tmp_path):
    path = write_reviews(tmp_path / "a.csv")
    with path.open("a") as stream:
        stream.writelines('"onlyintest onlyintest onlyintest",pos,test\n' for _ in range(9))
    lines = path.read_text().splitlines()
    lines = [lines[0] + ",split", *(x if x.endswith("test") else x + ",train" for x in lines[1:])]
    path.write_text("\n".join(lines) + "\n")
    settings = sources.identify(DataSettings(dataset=str(path), vocabulary_size=500))
    made = encoding.encode(sources.open_source(settings), settings)
    assert "onlyintest" not in made.vocabulary.words
    assert "heart" in made.vocabulary.words
    assert (made.test.ids == 1).all()
    assert made.train.ids.max() < len(made.vocabulary)


def test_the_cache_gives_back_what_was_encoded_and_reads_no_source(tmp_path, monkeypatch):
    path = write_reviews(tmp_path / "a.csv")
    settings = sources.identify(DataSettings(dataset=str(path), vocabulary_size=50))
    made = corpus.load(settings, tmp_path / "cache")
    monkeypatch.setattr(corpus, "open_source", lambda settings: pytest.fail("read again"))
    again = corpus.load(settings, tmp_path / "cache")
    assert again.vocabulary == made.vocabulary and again.classes == made.classes
    for split in SPLITS:
        assert texts_of(getattr(again, split)) == texts_of(getattr(made, split))
    other = dataclasses.replace(settings, max_length=3)
    with pytest.raises(pytest.fail.Exception):
        corpus.load(other, tmp_path / "cache")


def test_a_flipped_byte_in_the_cache_is_found(tmp_path):
    path = write_reviews(tmp_path / "a.csv")
    settings = sources.identify(DataSettings(dataset=str(path), vocabulary_size=50))
    corpus.load(settings, tmp_path / "cache")
    (file,) = (tmp_path / "cache").glob("*/train.ids.npy")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"train\.ids\.npy is damaged"):
        corpus.load(settings, tmp_path / "cache")


def test_other_content_than_the_fingerprint_says_is_refused(tmp_path):
    path = write_reviews(tmp_path / "a.csv")
    settings = sources.identify(DataSettings(dataset=str(path)))
    path.write_text(path.read_text().replace("hated", "disliked"))
    with pytest.raises(UserError, match="has other content than it had"):
        corpus.load(settings, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_part_of_the_training_texts(tmp_path):
    path = write_reviews(tmp_path / "a.csv", copies=15)
    with path.open("a") as stream:
        stream.writelines(f'"middling {n}",so_so\n' for n in range(40))
    settings = DataSettings(str(path), max_length=12, validation=0.25)

    def texts(size: int) -> dict[str, list[list[int]]]:
        made = encoding.encode(
            sources.open_source(settings), dataclasses.replace(settings, train_size=size), known
        )
        return {split: texts_of(getattr(made, split)) for split in SPLITS}

    whole = encoding.encode(sources.open_source(settings), settings)
    known = whole.vocabulary
    everything = len(whole.train) + len(whole.validation)
    some = encoding.encode(
        sources.open_source(settings), dataclasses.replace(settings, train_size=64)
    )
    assert (len(some.train), len(some.validation)) == (48, 16)
    share = np.bincount(whole.train.labels) / len(whole.train)
    assert np.abs(np.bincount(some.train.labels) / 48 - share).max() < 1 / 48
    assert texts(64) == texts(64) and texts(64)["test"] == texts(0)["test"]
    assert texts(everything) == texts(0)
    with pytest.raises(UserError, match=f"train_size is {everything + 1}"):
        texts(everything + 1)


def test_words_are_counted_in_the_training_texts_in_full(tmp_path):
    path = tmp_path / "a.csv"
    lines = [f'"{word} same same ...",{label}' for label in "01" for word in ["x"] * 5]
    path.write_text("\n".join(["text,label", *lines, '"...",0', '"...",1']) + "\n")
    settings = DataSettings(str(path), vocabulary_size=30, max_length=1)
    made = encoding.encode(sources.open_source(settings), settings)
    counted = dict(zip(made.unigrams.words, made.unigrams.counts.tolist(), strict=True))
    assert set(counted) == {"x", "same"} and counted["same"] == 2 * counted["x"]
    # A text without words counts for nothing, and does not end in the vocabulary.
    assert made.vocabulary.words == ("[PAD]", "[UNK]", "same", "x")


def test_texts_without_a_class_are_refused():
    class Unlabelled:
        caution, name, classes, splits = "", "unlabelled", ("no", "yes"), ("train", "test")

        def examples(self, split):
            return iter([(b"a", 0), (b"b", 1 if split == "train" else -1)] * 9)

    with pytest.raises(UserError, match="texts of the split 'test' have no class"):
        encoding.encode(Unlabelled(), DataSettings())


def test_a_large_source_is_encoded_without_its_texts_in_memory():
    """Four bytes a word, twice, what a block of texts takes while it is encoded, and the slots of
    words."""

    class Large:
        caution, name, classes, splits = "", "large", ("no", "yes"), ("train",)

        def examples(self, split):
            words = " ".join(f"w{number}" for number in range(400))
            return ((f"{words} {number % 97}".encode(), number % 2) for number in range(2_500))

    tracemalloc.start()
    try:
        made = encoding.encode(Large(), DataSettings(vocabulary_size=500))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert made.unigrams.counts.sum() > 600_000
    assert peak < 14 * 2_500 * 401 + 10 * 2**20


_AS_LARGE_AS_YELP = r"""
import re, sys
from pathlib import Path
from tflottery.data import corpus, encoding
from tflottery.data.settings import DataSettings

class Large:
    caution, name, classes, splits = "", "large", ("no", "yes"), ("train", "test")

    def fingerprint(self):
        return "large"

    def examples(self, split):
        words = " ".join(f"w{number}" for number in range(133))
        count = int(sys.argv[2]) // (1 if split == "train" else 15)
        return ((f"{words} {split}{number}".encode(), number % 2) for number in range(count))

corpus.open_source = lambda settings: Large()
settings = DataSettings(fingerprint="large")
made = corpus.load(settings, Path(sys.argv[1]))
assert corpus.load(settings, Path(sys.argv[1])).train.ids.shape == made.train.ids.shape
peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
print(int(peak[1]) / 2**20)
"""


@pytest.mark.long
def test_as_many_reviews_as_yelp_polarity_has_need_less_than_4_gb(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _AS_LARGE_AS_YELP, str(tmp_path), "560000"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert float(done.stdout) < 4


def test_too_few_texts_of_a_class(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\na,0\nb,0\nc,0\nd,0\ne,0\nf,0\ng,1\n")
    settings = DataSettings(dataset=str(tmp_path / "a.csv"))
    with pytest.raises(UserError, match=r"The class '1' \(1 text\) has too few to hold out 20%"):
        sources.identify(settings)
    with pytest.raises(UserError, match="too few to hold out"):
        encoding.encode(sources.open_source(settings), settings)


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=400), st.integers(1, 9), st.integers(0, 3)
)
def test_an_epoch_has_every_row_once_and_its_seed_decides_the_order(lengths, size, seed):
    order = batches.training_order(np.array(lengths), size, seed, epoch=0)
    assert sorted(row for rows in order for row in rows) == list(range(len(lengths)))
    assert len(order) == -(-len(lengths) // size)
    again = batches.training_order(np.array(lengths), size, seed, epoch=0)
    assert all(np.array_equal(one, other) for one, other in zip(order, again, strict=True))


def test_epochs_and_seeds_differ_and_batches_hold_like_lengths():
    lengths = np.random.default_rng(0).integers(1, 400, 5_000)
    first = batches.training_order(lengths, 50, seed=1, epoch=0)
    assert not np.array_equal(first[0], batches.training_order(lengths, 50, 1, 1)[0])
    assert not np.array_equal(first[0], batches.training_order(lengths, 50, 2, 0)[0])
    waste = np.mean([1 - lengths[rows].mean() / lengths[rows].max() for rows in first])
    unsorted = np.mean(
        [
            1 - lengths[at : at + 50].mean() / lengths[at : at + 50].max()
            for at in range(0, 5000, 50)
        ]
    )
    assert waste < unsorted / 5


def test_the_end_of_batches_waits_for_no_tuner(small_corpus):
    train = small_corpus.train
    for made in (batches.training_batches(train, 10, 3), batches.evaluation_batches(train, 10)):
        assert made.options().autotune.enabled is False


def test_training_batches_go_on_through_epochs_in_their_order(small_corpus):
    train = small_corpus.train
    per_epoch = train.steps_per_epoch(10)
    seen = [labels for _, labels in batches.training_batches(train, 10, 3).take(2 * per_epoch)]
    for epoch in range(2):
        order = batches.training_order(train.lengths, 10, 3, epoch)
        for labels, rows in zip(seen[epoch * per_epoch :], order, strict=False):
            assert labels.numpy().tolist() == train.labels[rows].tolist()


def test_evaluation_batches_have_every_text_once(small_corpus):
    test = small_corpus.test
    labels = np.concatenate([labels for _, labels in batches.evaluation_batches(test, 7)])
    assert labels.tolist() == test.labels[batches.evaluation_order(test)].tolist()
