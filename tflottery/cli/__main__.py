"""``tflottery <command> [flags]``: the commands of an installation without a checkout."""

from __future__ import annotations

import importlib
import sys

from tflottery import printed, program
from tflottery.cli import COMMANDS
from tflottery.cli.app import DONE, USER_ERROR
from tflottery.errors import suggest
from tflottery.versions import __version__

_COMPLETION = "completion"


def main(*called: str) -> int:
    """Runs the command that the first argument names; returns its exit code.

    Args:
        called: the words that call this program, for what it prints; by default ``tflottery``.
    """
    called = called or ("tflottery",)
    name, *rest = sys.argv[1:] or ["--help"]
    program.call_me(*called)
    if name in COMMANDS:
        code: int = importlib.import_module(f"tflottery.cli.{name}").main(rest)
        return code
    if name in ("--help", "-h", "help"):
        printed.show(_help(" ".join(map(program.quoted, called))))
        return DONE
    if name in ("--version", "-V"):
        printed.say(f"tflottery {__version__}")
        return DONE
    if name == _COMPLETION:
        return _complete(rest)
    known = [*COMMANDS, _COMPLETION, "--version", "--help"]
    _complain(f"there is no command {name!r}. {suggest(name, known)}")
    return USER_ERROR


def _help(me: str) -> str:
    commands = "\n".join(f"  {name:<14} {summary}" for name, summary in COMMANDS.items())
    return (
        f"usage: {me} <command> [flags]\n\n{commands}\n\n"
        f"Flags of a command: {me} <command> --help\n"
        f"Version:            {me} --version\n"
        f"Shell completion:   {me} {_COMPLETION} bash, zsh or fish prints it"
    )


def _complete(words: list[str]) -> int:
    from tflottery.cli.completion import SHELLS

    if len(words) != 1 or words[0] not in SHELLS:
        asked = suggest(words[0], SHELLS) if words else f"Known: {', '.join(SHELLS)}."
        _complain(f"completion is for one shell. {asked}")
        return USER_ERROR
    printed.show(SHELLS[words[0]](), end="")
    return DONE


def _complain(text: str) -> None:
    printed.complain(f"tflottery: {text}")


if __name__ == "__main__":
    sys.exit(main())
