"""Shell completion: scripts made of the flags that the commands define.

absl's flags have no completion of their own that is kept up, and a script without Python answers at
once.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from tflottery.cli import COMMANDS
from tflottery.cli.app import Command, defined, help_of, own_flags
from tflottery.exports.formats.asked import QUANTIZE
from tflottery.exports.formats.registry import FORMATS
from tflottery.models.registry import ARCHITECTURES
from tflottery.pruning import criteria
from tflottery.pruning.scopes import SCOPES
from tflottery.tickets.methods import METHODS

# What flags take that is no file.
CHOICES = {
    "model": tuple(ARCHITECTURES),
    "method": tuple(METHODS),
    "scope": SCOPES,
    "init": (
        "original",
        "random",
        "random:carried",
        "random:kept",
        "rewind:1ep",
        "learning_rate_rewinding",
        "fine_tuning",
    ),
    "criterion": (*criteria.shipped("weights"), *criteria.shipped("units")),
    "executor": ("local", "processes", "ray"),
    "dataset": ("imdb", "yelp_polarity", "toy"),
    "to": ("imdb", "yelp_polarity"),
    "grid": ("default", "full"),
    "vocabulary": ("reuse", "remap", "drop", "shared"),
    "format": ("csv", "tsv", "jsonl", "table"),
    "quantize": QUANTIZE,
    "split": ("test", "validation", "train", "all"),
    "tuner": ("grid", "random", "bayesian", "hyperband"),
}
_OF_COMMAND = {("export", "format"): tuple(FORMATS)}
# Of these, a file will do as well.
_ALSO_FILES = ("dataset", "to")
_USING = ("predict", "evaluate", "report")
_SHELLS = ("bash", "zsh", "fish")


def commands() -> dict[str, Command]:
    """Every command by its name."""
    return {name: importlib.import_module(f"tflottery.cli.{name}").COMMAND for name in COMMANDS}


def flags_of(command: Command) -> dict[str, str]:
    """Help by flag, in the order in which they are defined."""
    values = defined(command)
    return {name: help_of(values[name]) for name in own_flags(values)}


def choices_of(command: str, flag: str) -> tuple[str, ...]:
    """Words that a flag takes, or none. The model of a command that uses one is a folder."""
    if flag == "model" and command in _USING:
        return ()
    return _OF_COMMAND.get((command, flag)) or CHOICES.get(flag, ())


def is_switch(command: Command, flag: str) -> bool:
    """Whether a flag takes no value."""
    return bool(defined(command)[flag].boolean)


def bash() -> str:
    """A script for bash's ``complete``."""
    cases, values = [], []
    for name, command in commands().items():
        words = " ".join(f"--{flag}" for flag in flags_of(command))
        cases.append(f"    {name}) words='{words}' ;;")
        for flag in flags_of(command):
            if chosen := choices_of(name, flag):
                files = " files=1" if flag in _ALSO_FILES else ""
                values.append(f"    {name}:--{flag}) words='{' '.join(chosen)}'{files} ;;")
            elif not is_switch(command, flag):
                values.append(f"    {name}:--{flag}) files=1 ;;")
    programs = " ".join(f"bin/{name} ./bin/{name}" for name in COMMANDS)
    return _BASH.format(
        commands=" ".join([*COMMANDS, "completion"]), shells=" ".join(_SHELLS), programs=programs,
        flags="\n".join(cases), values="\n".join(values),
    )  # fmt: skip


_BASH = """\
# tflottery's completion for bash: source this, or put it into
# ~/.local/share/bash-completion/completions/tflottery
_tflottery() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
  local command words='' files=''
  # --flag=value comes as three words.
  if [[ $current == '=' ]]; then current=''; fi
  if [[ $before == '=' ]]; then before=${{COMP_WORDS[COMP_CWORD-2]}}; fi
  case ${{COMP_WORDS[0]}} in
    */*) command=${{COMP_WORDS[0]##*/}} ;;
    *) command=${{COMP_WORDS[1]}} ;;
  esac
  COMPREPLY=()
  if [[ $command == tflottery || ( $COMP_CWORD -eq 1 && ${{COMP_WORDS[0]}} != */* ) ]]; then
    COMPREPLY=($(compgen -W '{commands} --help --version' -- "$current"))
    return
  fi
  case $command:$before in
    completion:completion) words='{shells}' ;;
{values}
  esac
  if [[ -z $words && -z $files ]]; then
    if [[ $current == -* ]]; then
      case $command in
{flags}
      esac
    else
      files=1
    fi
  fi
  if [[ -n $words ]]; then COMPREPLY=($(compgen -W "$words" -- "$current")); fi
  if [[ -n $files ]]; then
    local file
    while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$current")
    compopt -o filenames 2>/dev/null
  fi
  return 0
}}
complete -F _tflottery tflottery {programs}
"""


def zsh() -> str:
    """A script for zsh's ``compdef``."""
    cases = []
    for name, command in commands().items():
        specs = [
            f"      {_zsh_spec(name, command, flag, text)} \\"
            for flag, text in flags_of(command).items()
        ]
        cases.append(
            "\n".join([f"    {name})", "    _arguments \\", *specs, "      '*:file:_files' ;;"])
        )
    listed = " ".join(
        _single(f"{name}:{summary.replace(':', ' -')}")
        for name, summary in {**COMMANDS, "completion": "print this script"}.items()
    )
    return _ZSH.format(commands=listed, cases="\n".join(cases), shells=" ".join(_SHELLS))


def _zsh_spec(name: str, command: Command, flag: str, text: str) -> str:
    shown = "".join(f"\\{sign}" if sign in "[]:\\" else sign for sign in text)
    if is_switch(command, flag):
        return _single(f"--{flag}[{shown}]")
    chosen = choices_of(name, flag)
    # A colon within a word would begin the next part.
    words = " ".join(word.replace(":", "\\:") for word in chosen)
    action = f"({words})" if chosen and flag not in _ALSO_FILES else "_files"
    return _single(f"*--{flag}=[{shown}]:{flag}:{action}")


_ZSH = """\
#compdef tflottery
# tflottery's completion for zsh: put this as _tflottery into a folder of $fpath, or source it.
_tflottery() {{
  if (( CURRENT == 2 )); then
    local -a known=({commands})
    _describe command known
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
    completion) _arguments '1:shell:({shells})' ;;
{cases}
  esac
}}
compdef _tflottery tflottery
"""


def fish() -> str:
    """A script for fish's ``complete``."""
    lines = ["# tflottery's completion for fish: ~/.config/fish/completions/tflottery.fish"]
    lone = "-n __fish_use_subcommand -f"
    for name, summary in {**COMMANDS, "completion": "print this script"}.items():
        lines.append(f"complete -c tflottery {lone} -a {name} -d {_single(summary, fish=True)}")
    of_command = "-n '__fish_seen_subcommand_from {}'"
    for name, command in commands().items():
        for flag, text in flags_of(command).items():
            takes = "" if is_switch(command, flag) else " -r"
            chosen = choices_of(name, flag)
            words = f" -a {_single(' '.join(chosen), fish=True)}" if chosen else ""
            alone = " -f" if chosen and flag not in _ALSO_FILES else ""
            lines.append(
                f"complete -c tflottery {of_command.format(name)} -l {flag}{takes}{alone}{words} "
                f"-d {_single(text, fish=True)}"
            )
    shells = _single(" ".join(_SHELLS), fish=True)
    lines.append(f"complete -c tflottery {of_command.format('completion')} -f -a {shells}")
    return "\n".join(lines) + "\n"


def _single(text: str, *, fish: bool = False) -> str:
    """In single quotes."""
    if fish:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return "'" + text.replace("'", "'\\''") + "'"


SHELLS: dict[str, Callable[[], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
