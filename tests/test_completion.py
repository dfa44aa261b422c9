"""Shell completion, the program's name and version, and help: real shells, real processes."""

from __future__ import annotations

import dataclasses
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT, user_environment
from tflottery import program
from tflottery.cli import COMMANDS, app, completion
from tflottery.cli.keys import help_on_keys, meaning_of
from tflottery.experiments.configuration import SECTIONS, kinds
from tflottery.versions import __version__


@pytest.fixture(autouse=True)
def as_in_a_checkout(monkeypatch):
    monkeypatch.setattr(program, "_called", ())
    monkeypatch.delenv("TFLOTTERY_BIN", raising=False)


def completed(folder, *words: str) -> list[str]:
    """What bash offers for the last word."""
    (folder / "script").write_text(completion.bash())
    line = " ".join(map(shlex.quote, words))
    code = (
        f"source ./script\nCOMP_WORDS=({line})\nCOMP_CWORD={len(words) - 1}\n"
        f'complete -p {shlex.quote(words[0])} >&2\n_tflottery\nprintf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-u", "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert "-F _tflottery" in done.stderr
    return done.stdout.split("\n")[:-1]


NETWORKS = ["cnn", "gru", "lstm", "transformer"]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("tflottery", "fi"), ["find_ticket"]),
        (("tflottery", "--v"), ["--version"]),
        (("tflottery", "find_ticket", "--mod"), ["--model"]),
        (("tflottery", "find_ticket", "--model", ""), NETWORKS),
        (("tflottery", "find_ticket", "--model", "=", "l"), ["lstm"]),
        (("tflottery", "find_ticket", "--model", "="), NETWORKS),
        (("tflottery", "predict", "--model", "my"), ["my models", "my.csv"]),
        (("tflottery", "find_ticket", "--dataset", "m"), ["my models", "my.csv"]),
        (("tflottery", "find_ticket", "--dataset", "to"), ["toy"]),
        (("tflottery", "find_ticket", "--dry_run", "--st"), ["--store"]),
        (("tflottery", "report", "my."), ["my.csv"]),
        (("tflottery", "completion", ""), ["bash", "zsh", "fish"]),
        (("bin/export", "--comp"), ["--compact", "--compare"]),
        (("bin/study", "--executor", "r"), ["ray"]),
        (("tflottery", "nothing", "--x"), [""]),
    ],
)
def test_bash_completes(tmp_path, words, offered):
    (tmp_path / "my.csv").touch()
    (tmp_path / "my models").mkdir()
    assert sorted(completed(tmp_path, *words)) == sorted(offered)


def test_every_flag_is_offered(tmp_path):
    for name, command in completion.commands().items():
        wanted = {f"--{flag}" for flag in app.own_flags(app.defined(command))}
        assert set(completed(tmp_path, "tflottery", name, "--")) == wanted


@pytest.mark.parametrize("shell", sorted(completion.SHELLS))
def test_a_script_names_every_flag_and_its_shell_can_read_it(tmp_path, shell):
    script = completion.SHELLS[shell]()
    for command in completion.commands().values():
        for flag in completion.flags_of(command):
            assert re.search(rf"--{flag}\b" if shell != "fish" else rf"-l {flag}\b", script)
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        subprocess.run([shell, "-n", tmp_path / "script"], check=True)


def test_choices_are_those_that_flags_take():
    known = {
        flag for command in completion.commands().values() for flag in completion.flags_of(command)
    }
    assert set(completion.CHOICES) <= known
    for name, command in completion.commands().items():
        values = app.defined(command)
        for flag in completion.flags_of(command):
            for word in completion.choices_of(name, flag):
                assert word.split(":")[0] in str(values[flag].help), f"{name} --{flag} {word}"


def ran(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words], env=user_environment(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_the_program_says_its_version_and_what_it_can():
    assert ran("tflottery", "--version").stdout == f"tflottery {__version__}\n"
    listed = ran("tflottery", "--help").stdout
    assert all(f"\n  {name} " in listed for name in COMMANDS)
    assert "-m tflottery completion" in listed
    assert "tflottery completion bash" in ran("tflottery.cli", "--help").stdout
    wrong = ran("tflottery", "find_tickets")
    assert wrong.returncode == 2 and "Did you mean 'find_ticket'" in wrong.stderr
    for words in (["completion"], ["completion", "basch"]):
        wrong = ran("tflottery", *words)
        assert wrong.returncode == 2 and "bash" in wrong.stderr and wrong.stderr.count("\n") == 1


def test_messages_and_help_have_the_name_that_was_called(tmp_path):
    for words, name in (
        (["tflottery.cli", "find_ticket"], "tflottery find_ticket"),
        (["tflottery", "find_ticket"], "-m tflottery find_ticket"),
        (["tflottery.cli.find_ticket"], "bin/find_ticket"),
    ):
        # The examples' lines are broken by the length of the interpreter's path.
        shown = " ".join(ran(*words, "--help").stdout.replace("\\\n", " ").split())
        assert f"{name} [flags]" in shown and f"{name} --dataset toy" in shown
        assert f"{name} --help" in ran(*words, "toy").stderr
    script = subprocess.run(
        ["./bin/find_ticket", "--help"], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**user_environment(), "PATH": f"{sys.exec_prefix}/bin:/usr/bin:/bin"},
    )  # fmt: skip
    assert "./bin/find_ticket --dataset toy" in script.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_eighty_columns_and_says_each_thing_once(name, capsys):
    command = completion.commands()[name]
    assert app.run(command, ["--help"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert ".;" not in shown and "repeat this option" not in shown
    assert not re.search(r"\w\.\.(?!\.)", shown)
    for flag in completion.flags_of(command):
        assert re.search(rf"^  --{flag}( |$)", shown, re.MULTILINE)
    assert ("--helpkeys" in shown) == bool(command.sections) == ("--set " in shown)
    # A broken example is still one command.
    examples = shown.split("examples:\n")[1].replace("\\\n", " ")
    assert all(shlex.split(line)[0] == f"bin/{name}" for line in examples.splitlines())


@pytest.mark.parametrize("name", [n for n, c in completion.commands().items() if c.sections])
def test_help_on_keys_names_every_key_with_its_meaning(name, capsys):
    command = completion.commands()[name]
    assert app.run(command, ["--helpkeys"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 130
    for section in command.sections:
        for _, kind in kinds(section):
            for item in dataclasses.fields(kind):
                assert (f"  {section}.{item.name} = " in shown) != (
                    item.name in ("fingerprint", "vocabulary_from", "division", "vectors_hash")
                )


def test_every_key_has_a_meaning():
    missing = [
        f"{section}.{item.name}"
        for section in SECTIONS
        for _, kind in kinds(section)
        for item in dataclasses.fields(kind)
        if item.name not in ("fingerprint", "vocabulary_from", "division", "vectors_hash")
        and not meaning_of(kind, item.name)
    ]
    assert missing == []
    assert 'data.quote = "auto"' in help_on_keys(["data"])
