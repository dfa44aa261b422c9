"""What every command shares: flags, help, one line for an error, exit codes."""

from __future__ import annotations

import os
import sys
import textwrap
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from absl import flags

from tflottery.errors import TflotteryError, UserError, suggest

DONE, FAILED, USER_ERROR, INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True)
class Command:
    """A command.

    ``summary``: the first line of its help. ``define``: defines its flags. ``action``: does the
    work. ``kept``: says what is kept after Ctrl-C. ``argument``: the flag whose name can be left
    out: with ``store``, ``report runs`` means ``report --store runs``.
    """

    name: str
    summary: str
    define: Callable[[flags.FlagValues], None]
    action: Callable[[flags.FlagValues], None]
    examples: str
    kept: Callable[[flags.FlagValues], str]
    argument: str = ""


def run(command: Command, argv: list[str] | None = None) -> int:
    """Runs a command; returns its exit code. Only a bug shows a traceback.

    Args:
        command: what to run.
        argv: words after its name; by default those of the process.
    """
    values = flags.FlagValues()
    flags.DEFINE_boolean("help", False, "Show this help.", short_name="h", flag_values=values)
    command.define(values)
    try:
        _parse(command, values, sys.argv[1:] if argv is None else argv)
        if values.help:
            print(_help(command, values))
        else:
            command.action(values)
        sys.stdout.flush()
    except TflotteryError as error:
        return _complain(command, " ".join(str(error).split()), error.exit_code)
    except KeyboardInterrupt:
        return _complain(command, f"interrupted. {command.kept(values)}", INTERRUPTED)
    except BrokenPipeError:
        # The reader of the output has ended, as ``| head`` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        text = f"{error.strerror or error}{place}. What was finished before is kept."
        return _complain(command, text, FAILED)
    except Exception:
        traceback.print_exc()
        return _complain(command, "this is a bug in tflottery; please report it.", FAILED)
    return DONE


def _complain(command: Command, text: str, code: int) -> int:
    print(f"{command.name}: {text}", file=sys.stderr)
    return code


def _parse(command: Command, values: flags.FlagValues, argv: list[str]) -> None:
    values.set_gnu_getopt()  # flags may also come after the bare word
    try:
        rest = values([command.name, *argv])[1:]
    except flags.UnrecognizedFlagError as error:
        known = [f"--{name}" for name in _own_flags(values)]
        raise UserError(
            f"There is no flag --{error.flagname}. {suggest('--' + error.flagname, known)}"
        ) from None
    except flags.Error as error:
        raise UserError(f"{error}") from None
    if rest and command.argument and not values[command.argument].present:
        values[command.argument].parse(rest.pop(0))
    if rest:
        raise UserError(f"{rest[0]!r} belongs to no flag; see {command.name} --help.")


def _own_flags(values: flags.FlagValues) -> list[str]:
    return [name for name in values if len(name) > 1]


def _help(command: Command, values: flags.FlagValues) -> str:
    argument = f" [{command.argument}]" if command.argument else ""
    lines = [command.summary, "", f"usage: bin/{command.name}{argument} [flags]", ""]
    for name in _own_flags(values):
        flag = values[name]
        default = "" if flag.default in (None, "", False, []) else f" [{flag.default}]"
        head = f"  --{name}{default}"
        first, *more = textwrap.wrap(str(flag.help).split("\n")[0].split(";\n")[0], width=54)
        lines += [f"{head:<24} {first}", *(f"{'':<24} {line}" for line in more)]
    examples = textwrap.indent(textwrap.dedent(command.examples).strip(), "  ")
    return "\n".join([*lines, "", "examples:", examples])
