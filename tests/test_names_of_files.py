"""Names that others give to data, networks and places, as names of files: cut, and still apart."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.conftest import write_reviews
from tflottery import files
from tflottery.data.look import inspection
from tflottery.data.reading import sources
from tflottery.data.reading.files_source import name_of
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError
from tflottery.exports.places import checked_name, default_name
from tflottery.files import new_folder, require_writable
from tflottery.naming import short_name
from tflottery.report.article import slug

NAMES = st.text(st.characters(exclude_characters="\0/"), max_size=90)


def _a_disk_has(name):
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


@given(NAMES, st.integers(20, 80))
@example("ü" * 200, 60)
@example("\udcff" * 80, 60)
@example("\ud800", 60)
@example("\ud83d\ude00" * 30, 60)
def test_a_short_name_fits_and_a_name_that_fits_stays(name, longest):
    short = short_name(name, longest)
    assert len(os.fsencode(short)) <= longest
    assert short == name or not _a_disk_has(name) or len(os.fsencode(name)) > longest
    assert short_name(short, longest) == short


@given(
    st.lists(
        NAMES.flatmap(
            lambda end: st.sampled_from([end, "a long beginning that is alike " * 3 + end])
        ),
        unique=True,
    )
)
@example(["\ud800", "\ud801", "a long beginning that is alike " * 3 + "\ud800"])
def test_names_that_differ_stay_different(names):
    assert len({short_name(name) for name in names}) == len(names)


@pytest.mark.parametrize("letters", [1, 60, 61, 244, 250])
@pytest.mark.parametrize("sign", ["a", "ü", "영"])
def test_what_a_data_set_is_called_has_room_beside_more(letters, sign):
    stem = sign * (letters // len(sign.encode()))
    data = DataSettings(dataset=f"/somewhere/{stem}.csv")
    called = name_of(Path(data.dataset))
    assert len(called.encode()) <= 60
    model = SimpleNamespace(name="a_network_of_ones_own_" * 12)
    ticket = SimpleNamespace(recipe=SimpleNamespace(data=data, model=model))
    assert checked_name(default_name(ticket)) == default_name(ticket)
    other = SimpleNamespace(name=f"{model.name}x")
    twin = SimpleNamespace(recipe=SimpleNamespace(data=data, model=other))
    assert default_name(ticket) != default_name(twin)


def test_a_long_name_of_a_folder_can_be_written_to(tmp_path):
    place = tmp_path / ("n" * 255)
    require_writable(place, "--output")
    for content in ("one", "two"):
        with new_folder(place) as staging:
            (staging / "a").write_text(content)
    assert (place / "a").read_text() == "two" and len(list(tmp_path.iterdir())) == 1
    assert len(f"{slug(place)}-convergence-steps_to_99-iterative.svg") < 255


@pytest.mark.parametrize("name", ["n" * 256, "ü" * 128, "a/" + "n" * 300 + "/b"])
def test_a_name_that_no_disk_has_is_told_before_anything_is_done(tmp_path, name):
    with pytest.raises(UserError, match="more than the 255") as caught:
        require_writable(tmp_path / name, "--output")
    assert len(str(caught.value)) < 250 and not list(tmp_path.iterdir())


def test_a_link_to_nowhere_is_no_place_to_write_to(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UserError, match="no folder to write to"):
        require_writable(tmp_path / "link", "--output")


def test_a_name_for_a_model_says_how_long_it_may_be():
    with pytest.raises(UserError, match="at most 100") as caught:
        checked_name("n" * 300)
    assert len(str(caught.value)) < 400


def test_what_is_staged_is_told_by_its_beginning():
    # ``Store.write`` finds what a dead process left of a run by it.
    assert short_name("0" * 64, 100) == "0" * 64 and files.STAGING_PREFIX.startswith(".")


def _copies(folder: Path) -> list[Path]:
    """Two files of equal content; one has as long a name as a disk takes."""
    first = write_reviews(folder / f"{'reviews_of_all_films_' * 11}.csv")
    other = folder / f"{'reviews_of_all_films_' * 11}_again.csv"
    other.write_bytes(first.read_bytes())
    return [first, other]


def test_copies_of_a_file_are_encoded_once_and_keep_their_names(tmp_path):
    seen = []
    for file in _copies(tmp_path):
        data = sources.identify(DataSettings(dataset=str(file)))
        made = inspection.load(data, tmp_path / "data")
        look = inspection.inspect_encoded(data, tmp_path / "data")
        assert made.name == look.findings.name == name_of(file)
        assert f"Data:   {made.name}" in look.short[0]
        seen.append(made.name)
    assert len(set(seen)) == 2 and len(list((tmp_path / "data").iterdir())) == 1


@pytest.mark.long
def test_tickets_of_copies_keep_their_names(tmp_path):
    import tflottery as tfl

    small = {"training.epochs": 1, "model.embedding": 4, "model.filters": 4}
    found = [
        tfl.find_ticket(
            file, sparsity=0.5, method="one_shot", set=small, store=tmp_path / "runs",
            output=tmp_path / "tickets", progress=False,
        )
        for file in _copies(tmp_path)
    ]  # fmt: skip
    for one, file in zip(found, _copies(tmp_path), strict=True):
        ticket = one.ticket
        assert ticket.folder.name.startswith(f"{name_of(file)}-cnn-one_shot-original-0.5")
        assert Path(ticket.about["dataset"]) == Path(ticket.recipe.data.dataset) == file
        assert len(os.fsencode(ticket.folder.name)) < 200
    assert len({default_name(one.ticket) for one in found}) == 2
    # The same trainings, whatever the file is called.
    assert found[1].trained == 0
