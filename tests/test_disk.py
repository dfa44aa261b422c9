"""A write that the disk does not take is told with its place, and leaves nothing half-written."""

from __future__ import annotations

import errno
import io
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import user_environment
from tests.exported import make_ticket
from tflottery import archives, disk, files
from tflottery.cli import app
from tflottery.data import corpus
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings
from tflottery.errors import TflotteryError, UserError
from tflottery.exports.formats.registry import FORMATS, is_installed


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """No file grows beyond so many bytes, whoever writes it: libraries in C as well."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _text(folder: Path) -> None:
    (folder / "a.txt").write_text("a" * 9_000)


def _arrays(folder: Path) -> None:
    files.write_arrays(folder / "a.npz", {"a": np.zeros(9_000), "b": np.zeros(9)})


def _copy(folder: Path) -> None:
    shutil.copyfile(__file__, folder / "a")


def _array(folder: Path) -> None:
    archives.save_one(folder / "a.npy", np.zeros(9_000))


@pytest.mark.parametrize("write", [_text, _arrays, _array, _copy])
def test_a_folder_that_does_not_fit_is_named_and_leaves_nothing(tmp_path, capsys, write):
    place = tmp_path / "above" / "new"
    fill = files.new_folder(place)
    with small_files(5_000), pytest.raises(OSError) as caught, fill as staging:
        write(staging)
    assert caught.value.errno == errno.EFBIG
    assert caught.value.filename == str(place)
    assert not list(tmp_path.iterdir())
    assert not capsys.readouterr().err


def test_a_file_that_does_not_fit_is_named_and_leaves_the_older_one(tmp_path):
    files.write_atomically(tmp_path / "a.txt", "older")
    with small_files(5_000), pytest.raises(OSError) as caught:
        files.write_atomically(tmp_path / "a.txt", "a" * 9_000)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(tmp_path / "a.txt"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "older"
    with small_files(5_000), pytest.raises(OSError):
        files.write_atomically(tmp_path / "new" / "a.txt", "a" * 9_000)
    assert not (tmp_path / "new").exists()


def test_files_that_belong_together_are_written_all_or_none(tmp_path):
    contents = {"a": "a", "b": b"b" * 4_000, "c": "c" * 9_000, "d": "d"}
    with small_files(5_000), pytest.raises(OSError) as caught:
        files.write_together(tmp_path / "new", contents)
    assert caught.value.filename == str(tmp_path / "new" / "c") and not list(tmp_path.iterdir())
    files.write_atomically(tmp_path / "a", "older")
    with small_files(5_000), pytest.raises(OSError):
        files.write_together(tmp_path, contents)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("a", "older")]
    blocked = {**contents, "folder": "x"}
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="is no file"):
        files.write_together(tmp_path, blocked)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a", "folder"]
    assert (tmp_path / "a").read_text() == "older"
    (tmp_path / "folder").rmdir()
    paths = files.write_together(tmp_path, contents)
    assert sorted(tmp_path.iterdir()) == sorted(paths) == [tmp_path / name for name in "abcd"]
    assert (tmp_path / "c").read_text() == contents["c"]


def test_a_home_that_nobody_has_is_a_file_that_is_not_there(monkeypatch):
    monkeypatch.setenv("HOME", "/mine")
    assert files.expanded("~/a.csv") == Path("/mine/a.csv")
    assert files.expanded("~nobody-of-that-name/a.csv") == Path("~nobody-of-that-name/a.csv")
    with pytest.raises(UserError, match="There is no file"):
        sources.look(DataSettings("~nobody-of-that-name/a.csv"))


def test_a_folder_that_cannot_take_its_place_leaves_the_older_one(tmp_path, monkeypatch):
    with files.new_folder(tmp_path / "new") as staging:
        (staging / "a").write_text("older")
    rename = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if self.name.startswith(files.STAGING_PREFIX):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError), files.new_folder(tmp_path / "new") as staging:
        (staging / "a").write_text("newer")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert (tmp_path / "new" / "a").read_text() == "older"


@pytest.fixture
def eager_threads():
    """Threads that take turns after every few instructions, so that races are met."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("eager_threads")
def test_writers_of_one_folder_do_not_stumble_over_each_other(tmp_path):
    def write(content: str) -> None:
        for _ in range(80):
            with files.new_folder(tmp_path / "new") as staging:
                (staging / "a").write_text(content)
                (staging / "b").write_text(content)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(write, "wxyz")) == [None] * 4
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert (tmp_path / "new" / "a").read_text() == (tmp_path / "new" / "b").read_text()


def test_encoded_data_that_do_not_fit_say_where(tmp_path):
    rows = [f"a film of {n} words,{'good' if n % 2 else 'bad'}\n" for n in range(40)]
    (tmp_path / "a.csv").write_text(f"text,label\n{''.join(rows)}")
    data = sources.identify(DataSettings(dataset=str(tmp_path / "a.csv")))
    with small_files(500), pytest.raises(OSError) as caught:
        corpus.load(data, tmp_path / "runs" / "data")
    assert caught.value.errno == errno.EFBIG
    assert Path(caught.value.filename).parent == tmp_path / "runs" / "data"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=pytest.mark.long) if one == "web" else one for one in FORMATS]
)
def test_an_export_that_does_not_fit_says_where(tmp_path, name):
    from tflottery.exports import network, saved_model
    from tflottery.exports.formats.format import Given

    one = FORMATS[name]
    if not is_installed(one):
        pytest.skip(f"{name} takes {one.modules}")
    ticket = make_ticket(tmp_path / "ticket", "cnn")
    served = network.of_ticket(ticket)
    fill = files.new_folder(tmp_path / "models" / "1")
    with small_files(500), pytest.raises(OSError) as caught, fill as staging:
        if one.file:
            one.write(Given(ticket, served), staging / one.file)
        else:
            saved_model.save(served, ticket.vocabulary, staging)
    assert caught.value.errno == errno.EFBIG
    assert caught.value.filename == str(tmp_path / "models" / "1")
    assert [path.name for path in tmp_path.iterdir()] == ["ticket"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (OSError, "{}"),
        (RuntimeError, "{{{{node x}}}} /s/.staging-1/a.index; {} [Op:X]"),
        (ValueError, "Can't write data (error message = '{}')"),
    ],
)
def test_a_reason_in_a_librarys_own_words_is_understood(code, kind, text):
    place, staged = Path("/s/1"), Path("/s/.staging-1")
    with pytest.raises(OSError) as caught, disk.writing(place, staged):
        raise kind(text.format(os.strerror(code)))
    assert (caught.value.errno, caught.value.filename) == (code, "/s/1")


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file or directory", "/elsewhere/a.csv"),
        PermissionError(errno.EACCES, "Permission denied", "/elsewhere/a.csv"),
        OSError(errno.EIO, "Input/output error"),
        ValueError("7 of 8"),
        TflotteryError(f"a fresh process fails: {os.strerror(errno.ENOSPC)}"),
        KeyboardInterrupt(),
    ],
)
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error)) as caught, disk.writing(Path("/s/1"), Path("/s/.staging-1")):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((errno.ENOSPC, "", "{tmp}/a/b.npz"), 1, "the disk is full ({tmp}); make room"),
        ((errno.EDQUOT, "", "{tmp}/a"), 1, "the disk quota is used up ({tmp})"),
        ((errno.EFBIG, "", "{tmp}/a"), 1, "a file is larger than is allowed ({tmp})"),
        ((errno.EROFS, "Read-only", "{tmp}/a"), 2, "Read-only ({tmp}/a); give another"),
        ((errno.EACCES, "Denied", "{tmp}/a"), 2, "Denied ({tmp}/a); give another"),
        ((f"{{tmp}}/a; {os.strerror(errno.ENOSPC)}",), 1, "the disk is full ({tmp})"),
        ((errno.EIO, "Input/output error"), 1, "Input/output error. All is kept."),
    ],
)
def test_a_command_says_it_in_a_line(tmp_path, capsys, words, code, said):
    words = [one.format(tmp=tmp_path) if isinstance(one, str) else one for one in words]
    told = OSError(*words) if len(words) > 1 else RuntimeError(*words)

    def fail(values: object) -> None:
        raise told

    command = app.Command("study", "", lambda _: None, fail, "", lambda _: "All is kept.")
    assert app.run(command, []) == code
    line = capsys.readouterr().err
    assert said.format(tmp=tmp_path) in line and line.count("\n") == 1
    assert code == 2 or line.endswith("All is kept.\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_output_that_does_not_fit_is_told_once(tmp_path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tflottery.cli.report", "--help"], cwd=tmp_path,
            env=user_environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("report: the disk is full (standard output)")
    assert done.stderr.count("\n") == 1


@given(
    st.dictionaries(
        # numpy's own function cannot be given an array of that name.
        st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=5).filter("file".__ne__),
        st.sampled_from([np.float32(3), np.eye(3), np.ones((0, 4)), np.array([True, False])]),
        max_size=3,
    )
)
@settings(max_examples=20)
def test_archives_are_those_of_numpy_byte_for_byte(arrays):
    ours, theirs = io.BytesIO(), io.BytesIO()
    archives.save(ours, arrays)
    np.savez(theirs, **arrays)
    assert ours.getvalue() == theirs.getvalue()
