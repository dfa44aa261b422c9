"""``data.split=pooled``: every labelled text dealt anew, each once, by a seed of its own."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.conftest import SHARED
from tflottery.data import corpus
from tflottery.data.encoding import encode
from tflottery.data.look import inspection
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings
from tflottery.data.sizes import sizes_of
from tflottery.errors import UserError
from tflottery.models.shipped.cnn import Cnn
from tflottery.runs.recipes import Recipe, recipe_from_tables, recipe_to_tables, retarget
from tflottery.tickets import plan as plans
from tflottery.tickets.settings import PruningSettings
from tflottery.training.settings import TrainingSettings

SPLITS = ("train", "validation", "test")
TEXTS = {"train": 300, "validation": 60, "test": 140}


@pytest.fixture
def numbered(tmp_path) -> DataSettings:
    """A table in three splits, of whose texts each has a word of its own."""
    number = iter(range(500))
    rows = [
        f"word{next(number)} text,{'pos' if place % 2 else 'neg'},{split}"
        for split, count in TEXTS.items()
        for place in range(count)
    ]
    path = tmp_path / "numbered.csv"
    path.write_text("\n".join(["text,label,split", *rows]) + "\n")
    return DataSettings(str(path), vocabulary_size=2_000, split="pooled")


def dealt(settings: DataSettings) -> dict[str, list[tuple[int, ...]]]:
    """The texts of each split; a word that is not in train has the id of unknown ones."""
    known = sources.identify(settings)
    made = encode(sources.open_source(known), known)
    return {
        split: list(map(tuple, np.split(part.ids, part.offsets[1:-1])))
        for split in SPLITS
        for part in [getattr(made, split)]
    }


def rows(settings: DataSettings) -> list[set[int]]:
    from tflottery.data.splitting import divide

    source = sources.open_source(settings)
    labels = np.array([label for _, label in source.examples("train")])
    found = divide(labels, source.splits, settings, source.classes)
    return [set(part.tolist()) for part in (found.train, found.validation, found.test)]


def test_the_texts_of_all_splits_are_dealt_each_once_in_their_shares(numbered):
    train, validation, test = rows(numbered)
    assert [len(train), len(validation), len(test)] == [280, 120, 100]
    assert train | validation | test == set(range(500))
    for part in (train, validation, test):
        from_each = [len(part & set(range(*ends))) for ends in ((0, 300), (300, 360), (360, 500))]
        assert all(count > 0 for count in from_each)
    sizes = sizes_of(numbered)
    assert (sizes.train, sizes.validation, sizes.test, sizes.classes) == (280, 120, 100, 2)
    assert {split: len(texts) for split, texts in dealt(numbered).items()} == {
        "train": 280, "validation": 120, "test": 100,
    }  # fmt: skip


def test_classes_keep_their_shares(numbered):
    known = sources.identify(numbered)
    made = encode(sources.open_source(known), known)
    for split in SPLITS:
        labels = getattr(made, split).labels
        assert 2 * labels.sum() == len(labels)


def test_a_seed_decides_and_it_decides_alone(numbered):
    again = dataclasses.replace(numbered, split_seed=1)
    assert rows(numbered) == rows(numbered)
    assert all(one != other for one, other in zip(rows(numbered), rows(again), strict=True))


def test_fewer_training_texts_leave_test_and_the_shares_alone(numbered):
    few = rows(dataclasses.replace(numbered, train_size=200))
    whole = rows(numbered)
    assert few[2] == whole[2]
    assert [len(part) for part in few] == [140, 60, 100]


def test_the_given_split_is_another_run_and_other_encoded_data(numbered, tmp_path):
    def key(settings):
        recipe = Recipe(sources.identify(settings), Cnn(), TrainingSettings())
        return plans.make_plan(recipe, PruningSettings(), 1).dense.key

    other = dataclasses.replace(numbered, split_seed=1)
    given = dataclasses.replace(numbered, split="given")
    assert len({key(settings) for settings in (numbered, other, given)}) == 3
    folders = {
        corpus.folder_of(sources.identify(settings), tmp_path)
        for settings in (numbered, other, given)
    }
    assert len(folders) == 3
    assert sources.identify(numbered).fingerprint == sources.identify(given).fingerprint
    assert sources.identify(numbered).division == 1


def test_that_films_are_shared_is_said(numbered, tmp_path):
    known = sources.identify(numbered)
    made = corpus.load(known, tmp_path / "data")
    assert "reviews of one film" in made.caution and "data.split=pooled" in made.caution
    assert corpus.load(known, tmp_path / "data").caution == made.caution
    toy = sources.identify(DataSettings("toy", split="pooled"))
    source = sources.open_source(toy)
    assert "Toy reviews" in source.caution and "reviews of one film" in source.caution
    assert "film" not in sources.open_source(DataSettings("toy")).caution


def test_a_look_at_pooled_data_counts_the_shares(numbered):
    seen = inspection.inspect(sources.identify(numbered))
    assert [split.texts for split in seen.findings.splits.values()] == [280, 120, 100]


def test_a_recipe_keeps_it_and_a_target_does_not_take_it_over(numbered):
    recipe = Recipe(sources.identify(numbered), Cnn(), TrainingSettings())
    assert recipe_from_tables(recipe_to_tables(recipe)) == recipe
    target = retarget(recipe, {"dataset": "toy"})
    assert (target.data.split, target.data.split_seed) == ("given", 0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"split": "mixed"}, "data.split is not 'mixed'"),
        ({"split_seed": 3}, "goes with data.split=pooled"),
        ({"split": "pooled", "split_seed": -1}, "0 or above"),
        ({"split": "pooled", "validation": 0.3}, "leave out data.validation"),
    ],
)
def test_what_cannot_be_is_refused(changes, words):
    with pytest.raises(UserError, match=words):
        DataSettings(**changes)


def table(path, *parts: tuple[str, str, int]) -> DataSettings:
    """So many texts of each class and split, each with a word of its own."""
    number = iter(range(10_000))
    lines = [
        f"word{next(number)} text,{label},{split}"
        for label, split, count in parts
        for _ in range(count)
    ]
    path.write_text("\n".join(["text,label,split", *lines]) + "\n")
    return DataSettings(str(path), split="pooled")


@pytest.mark.parametrize(
    "parts",
    [
        [("neg", "test", 40), ("pos", "test", 40)],
        [("neg", "train", 40), ("pos", "test", 40)],
        [("neg", "train", 40), ("pos", "train", 40), ("odd", "test", 40)],
        [("neg", "validation", 40), ("pos", "test", 40)],
    ],
)
def test_what_pooling_dissolves_is_no_fault(tmp_path, parts):
    settings = table(tmp_path / "a.csv", *parts)
    with pytest.raises(UserError):
        sources.open_source(dataclasses.replace(settings, split="given"))
    assert sum(len(part) for part in dealt(settings).values()) == sum(n for _, _, n in parts)
    assert len(sources.look(settings).classes) == len({label for label, _, _ in parts})
    counted = sources.open_source(settings).labels("train").tolist()
    assert counted == [label for _, label in sources.open_source(settings).examples("train")]


@pytest.mark.parametrize(
    ("parts", "changes", "message"),
    [
        ([("neg", "train", 40), ("neg", "test", 40)], {}, "one class only"),
        ([("neg", "train", 40), ("pos", "test", 1)], {}, "too few to hold out"),
        ([("neg", "train", 400), ("pos", "test", 9)], {"train_size": 9}, "no text of the class"),
        ([("neg", "train", 40), ("pos", "test", 9)], {"classes": ("neg", "pos", "odd")}, "'odd'"),
    ],
)
def test_pooled_counts_are_judged_before_any_text_is_read_again(tmp_path, parts, changes, message):
    settings = dataclasses.replace(table(tmp_path / "a.csv", *parts), **changes)
    with pytest.raises(UserError, match=message):
        sources.look(settings)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the prepared IMDB is not beside this checkout")
def test_imdb_has_the_sizes_of_the_note():
    sizes = sizes_of(DataSettings("imdb", data_dir=str(SHARED), split="pooled"))
    assert (sizes.train, sizes.validation, sizes.test) == (28_000, 12_000, 10_000)
