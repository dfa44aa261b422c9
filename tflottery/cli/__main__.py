"""``tflottery <command> [flags]``: the commands of an installation without a checkout."""

from __future__ import annotations

import importlib
import sys

from tflottery.cli import COMMANDS
from tflottery.cli.app import DONE, USER_ERROR
from tflottery.errors import suggest


def main() -> int:
    """Runs the command that the first argument names; returns its exit code."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name in COMMANDS:
        code: int = importlib.import_module(f"tflottery.cli.{name}").main(rest)
        return code
    if name in ("--help", "-h"):
        print("usage: tflottery <command> [flags]\n")
        print("\n".join(f"  {command:<14} {summary}" for command, summary in COMMANDS.items()))
        return DONE
    print(f"tflottery: there is no command {name!r}. {suggest(name, COMMANDS)}", file=sys.stderr)
    return USER_ERROR


if __name__ == "__main__":
    sys.exit(main())
