"""The benchmarks' machinery: what they are at, the page, processes that are asked. No times."""

from __future__ import annotations

import dataclasses
import io
import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from benchmarks import __main__ as benchmarks
from benchmarks import batch_files, harness, running, small_data, steps
from benchmarks.asked import Asked
from benchmarks.harness import Options, Table, in_turns, ratio
from benchmarks.running import Benchmark
from benchmarks.watch import Watch
from tests.conftest import ROOT
from tflottery.data import corpus
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings

DOUBLE = "tests.asked_double"
TABLE = Table("A table", "About it.", ("", "ms"), (("one", "1.0"),))


def watching(*, terminal: bool = False) -> tuple[Watch, io.StringIO]:
    """A watch whose every look at the clock is a second later, and what it says."""
    said = io.StringIO()
    console = Console(
        file=said, force_terminal=terminal, width=100, highlight=False, markup=False, emoji=False
    )
    seconds = count()
    return Watch(console, lambda: float(next(seconds))), said


def test_lines_say_what_it_is_at_and_what_is_left():
    watch, said = watching()
    with watch.table("steps", 1, 3):
        watch.at("drawing texts")
        in_turns({"slow": lambda: None}, 2, watch)
    assert said.getvalue().splitlines() == [
        "[1/3] steps: drawing texts",
        "[1/3] steps: warming up, slow; 3 to go",
        "[1/3] steps: turn 1 of 2, slow; 2 to go; about 0:02 left",
        "[1/3] steps: turn 2 of 2, slow; 1 to go; about 0:01 left",
        "[1/3] steps: done in 0:07; 2 to come",
    ]


def test_nothing_is_estimated_before_every_kind_was_seen():
    watch, _ = watching()
    watch.expect({"one": 2, "other": 1})
    with watch.piece("one", "one"):
        assert watch.remaining() == ""
    assert watch.remaining() == ""
    with watch.piece("other", "other"):
        pass
    assert watch.remaining() == "about 0:01 left"


def test_a_terminal_has_bars():
    watch, said = watching(terminal=True)
    with watch.table("steps [of a network]", 2, 2):
        watch.at("drawing texts")
        watch.expect({"slow": 2})
        with watch.piece("slow", "turn 1 of 2"):
            pass
        watch._live.refresh()
    assert "[2/2] steps [of a network]" in said.getvalue()
    assert "turn 1 of 2" in said.getvalue()
    assert "1 to go, about 0:01 left" in said.getvalue()


def test_a_failed_table_is_named_and_the_rest_goes_on(tmp_path, capsys):
    def fail(options: Options, watch: Watch) -> list[Table]:
        raise RuntimeError("no such thing")

    ran = [
        Benchmark("one", "the first", fail),
        Benchmark("two", "the second", lambda options, watch: [TABLE]),
    ]
    watch, said = watching()
    page = tmp_path / "page.md"
    assert running.measure(ran, Options(), watch, "a machine", page) == 1
    assert "the first failed: RuntimeError: no such thing" in said.getvalue()
    assert said.getvalue().splitlines()[-1] == "Failed: the first."
    assert TABLE.markdown() in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert "Measured on: a machine." in text
    assert "Failed, and left out: the first." in text
    assert text.endswith(TABLE.markdown())
    assert [file.name for file in tmp_path.iterdir()] == ["page.md"]


def test_finished_tables_stay_where_a_later_one_is_stopped(tmp_path):
    def stop(options: Options, watch: Watch) -> list[Table]:
        raise KeyboardInterrupt

    ran = [
        Benchmark("one", "the first", lambda options, watch: [TABLE]),
        Benchmark("two", "the second", stop),
    ]
    page = tmp_path / "page.md"
    with pytest.raises(KeyboardInterrupt):
        running.measure(ran, Options(), watching()[0], "a machine", page)
    assert TABLE.markdown() in page.read_text(encoding="utf-8")


def test_a_page_is_not_emptied_by_failures(tmp_path):
    def fail(options: Options, watch: Watch) -> list[Table]:
        raise RuntimeError

    page = tmp_path / "page.md"
    page.write_text("older tables", encoding="utf-8")
    failing = [Benchmark("one", "the first", fail)]
    assert running.measure(failing, Options(), watching()[0], "a machine", page) == 1
    assert page.read_text(encoding="utf-8") == "older tables"


def test_the_machine_is_described_with_its_arithmetic(monkeypatch):
    from tflottery import arithmetic

    current = arithmetic.Arithmetic("avx2", False, 4)
    monkeypatch.setattr(arithmetic, "current", lambda: current)
    monkeypatch.setenv(harness.ISA, "AVX2")
    assert "instructions up to avx2" in harness.machine()
    assert "oneDNN off (limited to AVX2)" in harness.machine()
    assert harness.machine().endswith("4 threads")


def test_ratios():
    times = {"one": [1.0, 2.0, 3.0], "other": [2.0, 2.0, 2.0], "once": [4.0]}
    assert ratio(times, "one", "other") == "1.000 (0.750 to 1.250)"
    assert ratio(times, "one", "one") == "1"
    assert ratio(times, "one", "absent") == "–"
    assert ratio({"one": [3.0], "other": [2.0]}, "one", "other") == "1.500"


def test_a_process_answers_what_it_is_asked():
    with Asked("the double", DOUBLE, {"TF_ENABLE_ONEDNN_OPTS": "1"}) as process:
        assert process.ask({"size": 1}) == {"onednn": True, "first": {"size": 1}}
        assert process.ask("train") == {"asked": "train"}
        with pytest.raises(RuntimeError, match="the double: ValueError: cannot be done"):
            process.ask("fail")


def test_a_dead_process_is_named_with_its_last_words(capfd):
    with Asked("the double", DOUBLE) as process:
        process.ask("begin")
        with pytest.raises(RuntimeError, match="the double has ended, with code 3"):
            process.ask("die")
    assert "the last words" in capfd.readouterr().err


@pytest.fixture
def doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes without networks instead of TensorFlow's and PyTorch's."""
    for library in ("TENSORFLOW", "TORCH"):
        known = getattr(steps, library)
        monkeypatch.setattr(steps, library, dataclasses.replace(known, module=DOUBLE))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)


def test_every_variant_is_measured_under_every_setting(doubles):
    watch, said = watching()
    table = steps.table("imdb_cnn", Options(turns=2, steps=2, avx2=True), watch)
    settings = ("on", "off", "on, AVX2", "off, AVX2")
    variants = (*steps.TENSORFLOW.variants, *steps.TORCH.variants)
    assert [row[:2] for row in table.rows] == [
        (variant, setting) for setting in settings for variant in variants
    ]
    assert [row[3] for row in table.rows if row[1].startswith("off")] == ["1"] * 12
    assert all(row[4] == "1" for row in table.rows if row[0] == steps.KERAS)
    assert all(row[5] == "1" for row in table.rows if row[0] == steps.DENSE)
    assert "2 steps a turn, 2 turns" in table.about
    assert "starting TensorFlow, oneDNN off, AVX2" in said.getvalue()
    assert "turn 2 of 2, masked, oneDNN on" in said.getvalue()


def test_a_setting_that_cannot_be_had_is_left_out(doubles, monkeypatch):
    monkeypatch.setattr(
        steps.Setting, "environment", property(lambda self: {"TF_ENABLE_ONEDNN_OPTS": "0"})
    )
    watch, said = watching()
    table = steps.table("imdb_cnn", Options(turns=1, steps=2), watch)
    assert {row[1] for row in table.rows} == {"off"}
    assert "TensorFlow, oneDNN on: it cannot be switched so here" in said.getvalue()


def test_batches_are_read_as_they_were_written(tmp_path):
    import numpy as np

    made = [
        (np.full((2, width), width, np.int32), np.arange(2, dtype=np.int32)) for width in range(12)
    ]
    found = batch_files.read(batch_files.write(tmp_path / "batches.npz", made))
    assert len(found) == 12
    for (ids, labels), (same_ids, same_labels) in zip(made, found, strict=True):
        assert np.array_equal(ids, same_ids)
        assert np.array_equal(labels, same_labels)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["speed"], "there is no benchmark speed"),
        (["--turns", "0"], "'0' is no whole number above 0"),
        (["--write", "."], "is a folder"),
        (["--avx2"], "this one has none"),
    ],
)
def test_mistakes_are_told_at_once(arguments, message, capsys, monkeypatch):
    monkeypatch.setattr("tflottery.arithmetic.instructions", lambda: "avx2")
    with pytest.raises(SystemExit):
        benchmarks.main(arguments)
    assert message in capsys.readouterr().err


def test_it_says_what_it_is_at_before_tensorflow_is_imported():
    """Nor does a mistake wait for that."""
    says = (
        "import sys; from benchmarks import __main__, harness\n"
        "def machine(): print('tensorflow' in sys.modules); raise KeyboardInterrupt\n"
        "__main__.machine = machine; sys.exit(__main__.main(['profile']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", says],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.stdout == "False\n"
    assert done.stderr == "2 benchmarks; importing TensorFlow\nstopped\n"
    assert done.returncode == 130


@pytest.mark.long
def test_the_real_steps_are_measured(tmp_path: Path):
    page = tmp_path / "page.md"
    flags = ["steps", "profile", "--turns", "1", "--steps", "2", "--write", str(page)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    text = page.read_text(encoding="utf-8")
    assert text.count("| masked | on |") == text.count("| masked | off |") == 2
    assert text.count("## ") == 4


def test_both_learn_from_the_same_texts(tmp_path):
    path = tmp_path / "mine.csv"
    lines = [f"review {n - n % 5 % 2},{'good' if n % 3 else 'bad'}" for n in range(200)]
    path.write_text("\n".join(["text,label", *lines]) + "\n")
    settings = sources.identify(DataSettings(str(path)))
    assert settings.division == 3
    made = corpus.load(settings, tmp_path / "cache")
    words = dict(enumerate(made.vocabulary.words))
    for split, (texts, labels) in small_data.texts_of(settings).items():
        encoded = getattr(made, split)
        ids = np.split(encoded.ids, encoded.offsets[1:-1])
        assert labels.tolist() == encoded.labels.tolist()
        for text, of_text in zip(texts, ids, strict=True):
            known = [word for word in text.split() if word in made.vocabulary.words]
            assert [words[one] for one in of_text if one > 1] == known
