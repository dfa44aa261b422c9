"""Commands as text: quoted, with the program's own name, and pasted back."""

from __future__ import annotations

import os
import shlex
import subprocess

import pytest
from absl import flags
from hypothesis import example, given
from hypothesis import strategies as st

from tflottery import program
from tflottery.cli import COMMANDS, app
from tflottery.cli.find_ticket import COMMAND

# What names of files and folders are made of, but for NUL and what no terminal may be sent.
NAMES = st.text(
    st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Zs", "Co", "Cn"))
    | st.sampled_from(" \n\t'\"\\$`!*?[]{}()<>|&;#~-="),
    min_size=1,
    max_size=30,
)


@pytest.fixture(autouse=True)
def as_in_a_checkout(monkeypatch):
    monkeypatch.setattr(program, "_called", ())
    monkeypatch.delenv("TFLOTTERY_BIN", raising=False)


@given(NAMES, NAMES)
@example("-x", "--output")
@example("my runs", 'it\'s\n"so"')
@example("große Rezensionen", "映画")
@example("--", "-")
def test_any_folder_comes_back_from_a_printed_command(store, text):
    line = program.line("find_ticket", store=store, dataset=text, dry_run=True)
    first, *rest = shlex.split(line)
    assert first == "bin/find_ticket"
    values = app.defined(COMMAND)
    values(["find_ticket", *rest])
    assert (values.store, values.dataset, values.dry_run) == (store, text, True)


@given(NAMES)
@example("-a text that begins with a dash")
def test_a_bare_word_comes_back_too(text):
    values = flags.FlagValues()
    flags.DEFINE_string("model", "", "", flag_values=values)
    values.set_gnu_getopt()
    given_back = values(shlex.split(program.line("predict", text, model="-m")))
    assert given_back[1:] == [text] and values.model == "-m"


@given(st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name))
@example(b"\x1b[2Jx")
@example(b"\xff\xe21")
@example("‮evil\x07'\\".encode())
def test_a_name_that_a_terminal_would_obey_is_written_out_and_bash_reads_it(name):
    word = program.quoted(os.fsdecode(name))
    assert all(sign.isprintable() or sign in "\n\t" for sign in word)
    if any(not (sign.isprintable() or sign in "\n\t") for sign in os.fsdecode(name)):
        assert word.startswith("$'")


def test_bash_reads_written_out_names(tmp_path):
    names = [b"\x1b[2Jx", b"\xff\xe21", "‮evil\x07'\\0".encode(), b"a\nb c", b"-n", b"'\x7f'"]
    words = " ".join(program.quoted(os.fsdecode(name)) for name in names)
    done = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {words}"], capture_output=True, check=True
    )
    assert done.stdout.split(b"\0")[:-1] == names


def test_flags_without_a_value_are_left_out():
    line = program.line("transfer", to="imdb", seeds=None, model="", reverse=False, set=["a.b=1"])
    assert line == "bin/transfer --to imdb --set a.b=1"


@pytest.mark.parametrize(
    ("called", "folder", "wanted"),
    [
        ((), "", "bin/study"),
        ((), "../check out/bin", "'../check out/bin/study'"),
        (("tflottery",), "bin", "tflottery study"),
        (("python3", "-m", "tflottery"), "", "python3 -m tflottery study"),
    ],
)
def test_the_program_keeps_its_own_name(monkeypatch, called, folder, wanted):
    if folder:
        monkeypatch.setenv("TFLOTTERY_BIN", folder)
    program.call_me(*called)
    assert program.line("study") == wanted
    assert program.mentioned("run bin/study, or bin/studying.", COMMANDS) == (
        f"run {wanted}, or bin/studying."
    )


@pytest.mark.parametrize(
    "path", ["/usr/bin/study", "my/bin/study", "bin/study/cells.csv", "~bin/study"]
)
def test_a_path_is_not_taken_for_a_command(path):
    program.call_me("tflottery")
    assert program.mentioned(path, COMMANDS) == path
