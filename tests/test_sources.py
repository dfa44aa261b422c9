"""Where texts come from: files, folders, the toy grammar, and the real tfds.load."""

from __future__ import annotations

import json
import os
import socket
from itertools import islice

import pytest

from tests.conftest import SHARED, write_reviews
from tflottery.data.reading import sources, tfds_source
from tflottery.data.reading.source import Source
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError


def opened(dataset: object, **settings: object) -> Source:
    return sources.open_source(DataSettings(dataset=str(dataset), **settings))


def test_csv_and_tsv_and_json_lines_hold_the_same(tmp_path):
    csv = write_reviews(tmp_path / "a.csv")
    tsv = write_reviews(tmp_path / "a.tsv", delimiter="\t")
    examples = list(opened(csv).examples("train"))
    classes = opened(csv).classes
    lines = [json.dumps({"text": t.decode(), "label": classes[n]}) for t, n in examples]
    (tmp_path / "a.jsonl").write_text("\n".join(lines) + "\n\n")
    others = [opened(tsv), opened(tmp_path / "a.jsonl")]
    assert classes == ("neg", "pos") and opened(csv).splits == ("train",)
    for other in others:
        assert list(other.examples("train")) == examples
        assert other.fingerprint() == opened(csv).fingerprint()


def test_a_folder_of_class_folders(tmp_path):
    for split, label, text in [
        ("train", "pos", "fine"),
        ("train", "neg", "poor"),
        ("train", "unsup", "whatever"),
        ("test", "pos", "good"),
    ]:
        folder = tmp_path / "reviews" / split / label
        folder.mkdir(parents=True)
        (folder / "1.txt").write_text(text)
    source = opened(tmp_path / "reviews")
    assert source.classes == ("neg", "pos") and source.splits == ("train", "test")
    assert list(source.examples("train")) == [(b"poor", 0), (b"fine", 1)]
    assert list(source.examples("test")) == [(b"good", 1)]


def test_columns_splits_and_numbers_as_labels(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("review,stars,split\nten,10,train\ntwo,2,train\nalso two,2,test\n")
    source = opened(path, text_column="review", label_column="stars")
    assert source.classes == ("2", "10")
    assert list(source.examples("test")) == [(b"also two", 0)]


def test_the_fingerprint_follows_the_content(tmp_path):
    one = write_reviews(tmp_path / "one.csv")
    before = opened(one).fingerprint()
    moved = one.rename(tmp_path / "moved.csv")
    assert opened(moved).fingerprint() == before
    moved.write_text(moved.read_text().replace("hated", "disliked"))
    assert opened(moved).fingerprint() != before


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"body,label\nx,1\n", r"no column 'text'.*data\.text_column"),
        ("a.csv", b"text,lable\nx,1\n", r"no column 'label'.*Did you mean 'lable'"),
        ("a.csv", b"text,label\nx,1\ny,1\n", "one class only"),
        ("a.csv", b"text,label\nx,1\n  ,0\n", "line 3: the text is empty"),
        ("a.csv", b"text,label\nx,1\ny,\n", "line 3: the label is empty"),
        ("a.csv", b"text,label\nx,1\n\xff\xfe,0\n", "line 3: not UTF-8"),
        ("a.csv", b'text,label\nx,1\n"y,0\n', "line 3: a quote is opened and never closed"),
        ("a.csv", b"text,label,split\nx,1,later\n", "line 2: the split is 'later'"),
        ("a.csv", b"text,label,split\nx,1,train\ny,0,train\nz,2,test\n", "in the test split only"),
        ("a.csv", b"", "no column 'text'"),
        ("a.csv", b"text,label\n", "no texts to train on"),
        ("a.jsonl", b'{"text": "x", "label": 1}\n{"text": \n', "line 2: this is no JSON"),
        ("a.jsonl", b'{"text": "x"}\n', "no column 'label'"),
        ("a.jsonl", b'["x", 1]\n', "line 1: each line is one JSON object"),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        opened(tmp_path / name)


def test_a_file_that_is_missing_or_empty_of_classes(tmp_path):
    with pytest.raises(UserError, match="There is no file"):
        opened(tmp_path / "none.csv")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="no texts to train on"):
        opened(tmp_path / "folder")


def test_toy_reviews_are_the_same_every_time_and_balanced():
    source = opened("toy")
    first, again = (list(islice(source.examples("train"), 300)) for _ in range(2))
    assert first == again
    assert sum(label for _, label in first) == 150
    assert {text for text, _ in first}.isdisjoint(text for text, _ in source.examples("test"))


def write_prepared(folder, name, version, config=None, copies=1, word=" so"):
    """A small prepared TFDS folder, as the real builder would leave it."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    texts = ["a fine film", "a poor film", "great heart", "no heart"]

    def split(number):
        rows = {
            "text": [f"{text} {number}{word * copy}" for copy in range(copies) for text in texts],
            "label": [1, 0, 1, 0] * copies,
        }
        return tf.data.Dataset.from_tensor_slices(rows)

    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version=version,
        config=config,
        data_dir=str(folder),
        features=tfds.features.FeaturesDict(
            {"text": tfds.features.Text(), "label": tfds.features.ClassLabel(names=["neg", "pos"])}
        ),
        split_datasets={"train": split(1), "test": split(2)},
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    write_prepared(folder, "imdb_reviews", "1.0.0", config="plain_text")
    write_prepared(folder, "yelp_polarity_reviews", "0.2.0")
    return folder


@pytest.mark.parametrize(
    "name", ["imdb", "imdb_reviews", "yelp_polarity", "yelp2", "yelp-2", "yelp_polarity_reviews"]
)
def test_prepared_data_is_read_by_the_real_tfds(prepared, name):
    source = opened(name, data_dir=str(prepared))
    # TFDS' own builder calls Yelp's classes 1 and 2.
    assert source.classes == (("1", "2") if "yelp" in name else ("neg", "pos"))
    assert source.splits == ("train", "test")
    examples = list(source.examples("train"))
    assert (b"a fine film 1", 1) in examples and len(examples) == 4
    assert list(source.examples("train")) == examples


@pytest.mark.parametrize("name", ["yelp2", "yelp-2", "yelp_polarity_reviews"])
def test_data_have_one_name_whichever_alias_was_typed(prepared, name):
    assert opened(name, data_dir=str(prepared)).name == "yelp_polarity_sample"


@pytest.mark.parametrize("name", ["imdb", "yelp_polarity"])
def test_prepared_data_of_another_size_is_called_a_sample(prepared, name, monkeypatch):
    assert opened(name, data_dir=str(prepared)).name == f"{name}_sample"
    builder = tfds_source.ALIASES[name]
    monkeypatch.setitem(tfds_source._PUBLISHED, builder, 4)
    assert opened(name, data_dir=str(prepared)).name == name


def test_the_environment_names_the_folder_too(prepared, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared))
    assert len(list(opened("imdb").examples("test"))) == 4


def test_a_column_that_tfds_does_not_have_falls_back_to_the_only_text(prepared):
    assert opened("imdb", data_dir=str(prepared), text_column="review").splits


def test_unprepared_data_without_a_network_fails_fast_and_says_what_to_do(tmp_path, monkeypatch):
    limits = []

    def refuse(*arguments, timeout=None, **options):
        limits.append(timeout)
        raise OSError("no network in this test")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(UserError, match=r"no\s+network.*--data_dir"):
        opened("imdb", data_dir=str(tmp_path))
    assert limits == [tfds_source._PROBE_SECONDS]


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UserError, match=r"No data set 'imbd'\. Did you mean 'imdb'"):
        opened("imbd")


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="is not there"):
        opened("imdb", data_dir=str(tmp_path / "none"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read(tmp_path):
    tmp_path.chmod(0)
    try:
        with pytest.raises(UserError, match="cannot be read"):
            opened("imdb", data_dir=str(tmp_path))
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the prepared IMDB is not beside this checkout")
def test_the_real_imdb():
    source = opened("imdb", data_dir=str(SHARED))
    labels = [label for _, label in source.examples("test")]
    assert len(labels) == 25_000 and sum(labels) == 12_500


def prepared_copy(folder, change):
    """Prepared reviews of IMDB's name, and their folder after something happened to it."""
    write_prepared(folder, "imdb_reviews", "1.0.0", config="plain_text", copies=40)
    version = folder / "imdb_reviews" / "plain_text" / "1.0.0"
    (record,) = version.glob("*train*record*")
    change(version, record)
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v, r: r.write_bytes(r.read_bytes()[:-57]), r"cut or damaged.*prepare them again"),
        (lambda v, r: r.unlink(), r"train\.tfrecord-00000-of-00001 is missing"),
        (lambda v, r: (v / "dataset_info.json").write_bytes(b""), r"dataset_info\.json is no JSON"),
        (lambda v, r: v.rename(v.parent / "incomplete.A1_1.0.0"), r"only incomplete\.A1_1\.0\.0"),
    ],
)
def test_a_torn_folder_is_named_in_one_line(tmp_path, monkeypatch, change, message):
    monkeypatch.setattr(tfds_source, "_has_network", lambda: False)
    folder = prepared_copy(tmp_path, change)
    with pytest.raises(UserError, match=message) as caught:
        list(opened("imdb", data_dir=str(folder)).examples("train"))
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("imdb:9.9.9", r"no such version as 'imdb:9\.9\.9' asks for\. Versions: 1\.0\.0"),
        ("imdb_reviews/nope", "no such configuration.*plain_text"),
        ("imdb_reviews:1.0", "No data set 'imdb_reviews:1.0'"),
    ],
)
def test_versions_and_configurations_that_tfds_does_not_have(prepared, name, message):
    with pytest.raises(UserError, match=message):
        opened(name, data_dir=str(prepared))


def test_an_alias_takes_a_version_and_a_configuration(prepared):
    for name in ("imdb:1.0.0", "imdb/plain_text", "imdb/plain_text:1.0.0"):
        assert opened(name, data_dir=str(prepared)).name == "imdb_sample"


def test_the_classes_of_tfds_can_be_put_in_another_order(prepared):
    plain = opened("imdb", data_dir=str(prepared))
    turned = opened("imdb", data_dir=str(prepared), classes=("pos", "neg"))
    assert turned.classes == ("pos", "neg") and turned.fingerprint() != plain.fingerprint()
    texts = [text for text, _ in plain.examples("train")]
    assert [text for text, _ in turned.examples("train")] == texts
    assert [1 - n for _, n in plain.examples("train")] == [n for _, n in turned.examples("train")]
    with pytest.raises(UserError, match="names others"):
        opened("imdb", data_dir=str(prepared), classes=("pos", "neg", "odd"))


def test_a_validation_split_of_tfds_is_used_but_not_in_runs_of_before(tmp_path):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    rows = {"text": ["a", "b", "c", "d"], "label": [0, 1, 0, 1]}
    unlabelled = {**rows, "label": [-1] * 4}
    tfds.dataset_builders.store_as_tfds_dataset(
        name="small_reviews",
        version="1.0.0",
        data_dir=str(tmp_path),
        features=tfds.features.FeaturesDict(
            {"text": tfds.features.Text(), "label": tfds.features.ClassLabel(names=["n", "p"])}
        ),
        split_datasets={
            split: tf.data.Dataset.from_tensor_slices(made)
            for split, made in {"train": rows, "validation": rows, "test": unlabelled}.items()
        },
    )
    source = opened("small_reviews", data_dir=str(tmp_path))
    assert source.splits == ("train", "validation", "test")
    old = source._of_files()
    assert source.fingerprint() != old
    before = opened("small_reviews", data_dir=str(tmp_path), fingerprint=old)
    assert before.splits == ("train", "test") and before.fingerprint() == old
    with pytest.raises(UserError, match=r"4 of 4 texts of the split 'test' have no class"):
        list(source.examples("test"))
