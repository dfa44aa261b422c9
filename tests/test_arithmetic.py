"""What decides the last digits of a training, and what of it is switched on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import user_environment
from tflottery import arithmetic
from tflottery.arithmetic import ONEDNN, THREADS, Arithmetic

SAYS = "import tflottery; from tflottery import arithmetic; print(arithmetic.current())"


def processor(monkeypatch: pytest.MonkeyPatch, folder: Path, flags: str) -> None:
    """Gives this process a processor with those flags."""
    info = folder / "cpuinfo"
    info.write_text(f"processor: 0\nflags\t\t: fpu {flags} clflush\n", encoding="utf-8")
    monkeypatch.setattr(arithmetic, "_CPU_INFO", info)
    arithmetic.instructions.cache_clear()


@pytest.fixture(autouse=True)
def _forget_the_processor():
    yield
    arithmetic.instructions.cache_clear()


@pytest.mark.parametrize(
    ("flags", "instructions", "switched_on"),
    [
        ("sse4_1 avx avx2 avx512f avx512_vnni", "avx512", "1"),
        ("sse4_1 avx avx2", "avx2", "1"),
        ("sse4_1 avx", "avx", None),
        ("sse4_1", "sse4", None),
        ("avx20 xavx2", None, None),
    ],
)
def test_onednn_is_switched_on_where_it_is_faster(
    monkeypatch, tmp_path, flags, instructions, switched_on
):
    processor(monkeypatch, tmp_path, flags)
    monkeypatch.delenv(ONEDNN, raising=False)
    arithmetic.switch_on_onednn()
    assert os.environ.get(ONEDNN) == switched_on
    assert arithmetic.instructions() == (instructions or os.uname().machine)


def test_the_users_own_setting_wins(monkeypatch, tmp_path):
    processor(monkeypatch, tmp_path, "avx2")
    monkeypatch.setenv(ONEDNN, "0")
    arithmetic.switch_on_onednn()
    assert os.environ[ONEDNN] == "0"


def test_without_a_list_of_flags_the_architecture_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(arithmetic, "_CPU_INFO", tmp_path / "none")
    arithmetic.instructions.cache_clear()
    assert arithmetic.instructions() == os.uname().machine


def test_threads_are_those_that_tensorflow_takes(monkeypatch):
    for said, count in (("3", 3), ("0", arithmetic.cores()), ("all", arithmetic.cores())):
        monkeypatch.setenv(THREADS, said)
        assert arithmetic.threads() == count
    monkeypatch.delenv(THREADS)
    assert arithmetic.threads() == arithmetic.cores()


@pytest.mark.parametrize(("said", "words"), [("0", "oneDNN off"), ("1", "oneDNN on")])
def test_what_is_recorded_is_what_tensorflow_does(said, words):
    environment = {**user_environment(), ONEDNN: said, THREADS: "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    found = subprocess.run(
        [sys.executable, "-c", SAYS], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == f"{arithmetic.instructions()}, {words}, 1 thread"


def test_a_record_is_read_back():
    made = Arithmetic("avx2", onednn=True, threads=2)
    assert Arithmetic.from_record(made.to_record()) == made
    assert Arithmetic.from_record(None) is None
    assert str(made) == "avx2, oneDNN on, 2 threads"
