"""What goes on is told: to whoever listens, in time, and to nobody twice."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import time
from types import ModuleType

import pytest

from tests.conftest import Heard, user_environment, write_reviews
from tests.terminal import seen_on_terminal
from tflottery import activity, status
from tflottery.data import corpus as corpora
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings


def test_activities_may_lie_within_each_other_and_end_in_any_order(heard):
    first, second = activity.doing("a"), activity.doing("b", total=2_000)
    first.__enter__()
    second.__enter__()
    activity.advance(1_500)
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert heard.lines == ["a", "b", "b: 1,500 of 2,000 texts", "b: 1,500 of 2,000 texts", ""]
    assert activity.now() is None


def test_counted_items_are_the_items_and_the_listener_is_called_seldom(heard):
    with activity.doing("reading", unit="rows"):
        assert list(activity.counted(range(2_500))) == list(range(2_500))
    moved = [line for line in heard.lines if line.startswith("reading: ")]
    assert moved == [f"reading: {count} rows" for count in ("1,000", "2,000", "2,500")]


def test_without_a_listener_nothing_is_heard_not_even_in_a_thread(heard, capfd):
    found = []
    thread = threading.Thread(target=lambda: found.append(activity.listener()))
    thread.start()
    thread.join()
    assert found == [activity.DEAF] and activity.listener() is heard
    with activity.told_to(activity.DEAF), activity.doing("in secret"):
        activity.advance()
    assert heard.lines == ["", ""] and capfd.readouterr() == ("", "")


def test_reading_and_encoding_are_told_with_their_counts(heard, tmp_path):
    write_reviews(tmp_path / "mine.csv", copies=300)
    settings = sources.identify(DataSettings(dataset=str(tmp_path / "mine.csv")))
    corpora.load(settings, tmp_path / "data")
    assert "reading mine.csv" in heard.lines and "reading mine.csv: 2,400 texts" in heard.lines
    assert "looking for equal texts" in heard.lines
    encoding = [line for line in heard.lines if line.startswith("encoding")]
    assert encoding[0] == "encoding mine" and encoding[-1] == "encoding mine: 2,400 of 2,400 texts"
    told = len(heard.lines)
    corpora.load(settings, tmp_path / "data")  # from the cache
    assert len(heard.lines) == told


@pytest.mark.parametrize("name", ["a\x1b[2Jb.csv", "a\nb.csv", "‮x.csv", "<b>.csv"])
def test_the_name_of_a_file_is_told_on_one_line(name):
    line = sources.reading(DataSettings(dataset=f"some/folder/{name}"))
    assert line.isprintable() and line.startswith("reading ") and "folder" not in line


def wait_for(condition, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(status, "_PATIENCE", 0.05)
    monkeypatch.setattr(status, "_PAUSES", (0.05, 60.0))
    monkeypatch.setattr(status, "_REFRESH", 0.01)


def shown_in(place: status.Place, first: str = "") -> status.Status:
    return status.Status(place, first)


def test_a_log_gets_a_line_once_it_has_lasted_and_few_after_that(impatient):
    lines: list[str] = []
    shower = shown_in(status.Log(lines.append))
    with activity.told_to(shower), activity.doing("reading") as reading:
        wait_for(lambda: lines == ["reading"])
        reading.done = 5
        wait_for(lambda: lines == ["reading", "reading: 5 texts"])
        reading.done = 6
        time.sleep(0.2)
        assert len(lines) == 2
    shower.close()


def test_what_is_over_at_once_is_not_named_and_what_takes_long_is_named_first():
    lines: list[str] = []
    shower = shown_in(status.Log(lines.append), "starting")
    with activity.told_to(shower):
        for _ in range(100):
            with activity.doing("reading"):
                pass
        with activity.doing("loading TensorFlow", long=True):
            assert lines == ["loading TensorFlow"]
    shower.close()


def test_work_without_a_name_is_named_too(impatient):
    lines: list[str] = []
    shower = shown_in(status.Log(lines.append), "starting")
    with activity.told_to(shower):
        wait_for(lambda: lines == ["starting"])
    shower.close()


def test_a_line_on_a_terminal_is_replaced_and_taken_away(impatient):
    stream = io.StringIO()
    shower = shown_in(status.Terminal(stream))
    with activity.told_to(shower):
        with activity.doing("x" * 200) as long:
            wait_for(lambda: "x" in stream.getvalue())
            activity.quiet()
            assert stream.getvalue().endswith("\r\x1b[K")
            long.what = "reading"
            wait_for(lambda: stream.getvalue().endswith("\rreading\x1b[K"))
        assert stream.getvalue().endswith("\r\x1b[K")
        said = stream.getvalue()
        time.sleep(0.1)
        assert stream.getvalue() == said
    shower.close()
    parts = said.replace("\x1b[K", "").split("\r")
    assert max(map(len, parts)) < 80 and "\n" not in said


def test_a_notebook_s_text_changes(monkeypatch):
    shown: list[str] = []

    class Handle:
        def update(self, data, raw):
            shown.append(data["text/plain"])

    def display(data, raw, display_id):
        shown.append(data["text/plain"])
        return Handle()

    stand_in = ModuleType("IPython.display")
    stand_in.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", stand_in)
    monkeypatch.setattr(status, "_PATIENCE", 0.0)
    monkeypatch.setattr(status, "_REFRESH", 0.0)
    cell = status.Cell()
    with activity.told_to(cell):
        with activity.doing("reading"):
            list(activity.counted(range(1_000)))
        assert shown[:2] == ["reading", "reading: 1,000 texts"] and shown[-1] == ""


def test_progress_decides_who_listens(capfd):
    @status.said
    def call(*, progress: object = True) -> activity.Listener:
        return activity.listener()

    assert isinstance(call(), status.Status)
    assert call(progress=False) is activity.DEAF
    outer = Heard()
    with activity.told_to(outer):
        assert call() is outer and call(progress=False) is activity.DEAF
        assert call(progress=object()) is outer
    assert capfd.readouterr() == ("", "")


SLOW = (
    "import time\nfrom tflottery import activity, status\n"
    "with status.shown():\n    with activity.doing('reading'):\n        time.sleep(1.0)\n"
    "import sys\nassert 'rich' not in sys.modules"
)


def test_in_a_pipe_there_is_one_line_on_standard_output():
    done = subprocess.run(
        [sys.executable, "-c", SLOW], env=user_environment(), capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"reading\n", b"")


def test_on_a_terminal_nothing_is_left():
    seen = seen_on_terminal([sys.executable, "-c", SLOW])
    assert seen.startswith("\rreading\x1b[K") and seen.endswith("\r\x1b[K") and "\n" not in seen


def test_an_interrupt_that_falls_into_the_first_words_stays_one(monkeypatch):
    def interrupted(thread):
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt), status.shown(), activity.doing("reading"):
        pass
