"""What every command shares: flags, help, one line for an error, exit codes."""

from __future__ import annotations

import os
import re
import stat
import sys
import textwrap
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TextIO

from absl import flags

from tflottery import disk, interrupts, memory, printed, program, status
from tflottery.cli import COMMANDS
from tflottery.errors import TflotteryError, UserError, stopped_by, suggest

DONE, FAILED, USER_ERROR, INTERRUPTED = 0, 1, 2, interrupts.EXIT_CODE
_WIDTH = 80
_HEAD = 24
_LONGEST_WORD = 60


@dataclass(frozen=True)
class Command:
    """A command.

    ``summary``: the first line of its help. ``define``: defines its flags. ``action``: does the
    work. ``kept``: says what is kept after Ctrl-C. ``argument``: the flag whose name can be left
    out: with ``store``, ``report runs`` means ``report --store runs``. ``sections``: the sections
    of settings whose keys ``--set`` takes. ``prints_data``: standard output is for data, so that
    what a command says beside it goes to standard error.
    """

    name: str
    summary: str
    define: Callable[[flags.FlagValues], None]
    action: Callable[[flags.FlagValues], None]
    examples: str
    kept: Callable[[flags.FlagValues], str]
    argument: str = ""
    sections: tuple[str, ...] = ()
    prints_data: bool = False


def run(command: Command, argv: list[str] | None = None) -> int:
    """Runs a command; returns its exit code. Only a bug shows a traceback.

    Args:
        command: what to run.
        argv: words after its name; by default those of the process.
    """
    is_whole_process = interrupts.are_quiet()
    values = flags.FlagValues()
    try:
        if is_whole_process:
            interrupts.raise_again()
        return _run(command, values, sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        if is_whole_process:
            interrupts.leave_quietly()
        return _complain(command, f"interrupted. {_kept(command, values)}".rstrip(), INTERRUPTED)
    finally:
        if is_whole_process:
            interrupts.leave_quietly()


def _run(command: Command, values: flags.FlagValues, argv: list[str]) -> int:
    _open_missing_streams()
    with suppress(AttributeError):  # a stream of a test
        # A label that the terminal's encoding does not have is no reason to end.
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        define(command, values)
        _parse(command, values, argv)
        if values.help:
            printed.show(_help(command, values))
        elif command.sections and values.helpkeys:
            # Imported only here, so that --help is quick.
            from tflottery import plugins
            from tflottery.cli.keys import help_on_keys

            plugins.load(values.plugin)
            printed.show(help_on_keys(command.sections))
        else:
            with status.shown(first="starting", on_errors=command.prints_data):
                command.action(values)
        if sys.stdout is not None:
            sys.stdout.flush()
    except TflotteryError as error:
        return _complain(command, str(error), error.exit_code)
    except SystemExit as error:
        return _complain(command, stopped_by(error), USER_ERROR)
    except BrokenPipeError:
        # The reader of the output has ended, as ``| head`` does.
        _close_output()
        return DONE
    except Exception as error:
        if memory.is_exhausted(error):
            return _complain(command, f"out of memory. {_kept(command, values)}".rstrip(), FAILED)
        refused = error if isinstance(error, OSError) else disk.refusal(error)
        if refused is None:
            traceback.print_exc()
            return _complain(command, "this is a bug in tflottery; please report it.", FAILED)
        return _refused(command, refused, _kept(command, values))
    return DONE


def _kept(command: Command, values: flags.FlagValues) -> str:
    return command.kept(values) if values.is_parsed() else ""


def _refused(command: Command, error: OSError, kept: str) -> int:
    """What the operating system did not do; a right that lacks is for the user to mend."""
    is_own = not error.filename and _goes_to_a_file(sys.stdout)
    _close_output()
    text = disk.sentence(error, kept, "standard output" if is_own else "")
    return _complain(command, text, USER_ERROR if error.errno in disk.FORBIDDEN else FAILED)


def _open_missing_streams() -> None:
    """Lets no file take the number of a standard stream that was closed: what a library says would
    be written to that file."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number


def _goes_to_a_file(stream: TextIO | None) -> bool:
    """Whether a stream ends in a file or a device that may be full; a terminal never is."""
    if stream is None:
        return False
    try:
        mode = os.fstat(stream.fileno()).st_mode
        return stat.S_ISREG(mode) or (stat.S_ISCHR(mode) and not stream.isatty())
    except (OSError, ValueError):
        return False


def _close_output() -> None:
    """Lets go of what cannot be written to standard output; Python would try it again at the end,
    and say so."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def defined(command: Command) -> flags.FlagValues:
    """The command's flags, at their defaults."""
    values = flags.FlagValues()
    define(command, values)
    return values


def define(command: Command, values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    flags.DEFINE_boolean("help", False, "Show this help.", short_name="h", flag_values=values)
    if command.sections:
        text = f"Show the keys of --set: {', '.join(command.sections)}."
        flags.DEFINE_boolean("helpkeys", False, text, flag_values=values)
    command.define(values)
    flags.DEFINE_multi_string(
        "plugin",
        [],
        "A module, or a file as mine.py, that registers architectures, criteria, metrics or "
        "sources; may be given several times.",
        flag_values=values,
    )


def _complain(command: Command, text: str, code: int) -> int:
    with suppress(OSError, ValueError):  # there is nowhere left to say it
        printed.complain(f"{command.name}: {program.mentioned(text, COMMANDS)}")
    return code


def _parse(command: Command, values: flags.FlagValues, argv: list[str]) -> None:
    values.set_gnu_getopt()  # flags may also come after the bare word
    try:
        rest = values([command.name, *argv])[1:]
    except flags.UnrecognizedFlagError as error:
        known = [f"--{name}" for name in own_flags(values)]
        if text := _taken_for_a_flag(error.flagname, argv, command):
            raise UserError(text) from None
        raise UserError(
            f"There is no flag --{error.flagname}. {suggest('--' + error.flagname, known)}"
        ) from None
    except flags.Error as error:
        raise UserError(f"{error}") from None
    if rest and command.argument:
        flag = values[command.argument]
        if isinstance(flag, flags.MultiFlag):
            for word in rest:
                flag.parse(word)
            rest = []
        elif not flag.present:
            flag.parse(rest.pop(0))
        elif len(rest) == 1:
            given = f"--{command.argument} {flag.value}"
            raise UserError(f"{rest[0]!r} and {given!r} stand for the same thing; give one.")
    if rest:
        raise UserError(f"{rest[0]!r} belongs to no flag; see bin/{command.name} --help.")


def _taken_for_a_flag(flag: str, argv: list[str], command: Command) -> str:
    """What to do about a bare word that begins with a dash; empty where a flag is meant: with two
    dashes and no space."""
    word = next((one for one in argv if one.lstrip("-").partition("=")[0] == flag), "")
    is_meant = word.startswith("--") and not re.search(r"\s", word.partition("=")[0])
    if not command.argument or not word or is_meant:
        return ""
    shown = word if len(word) <= _LONGEST_WORD else f"{word[:_LONGEST_WORD]}…"
    behind = program.line(command.name, shown)
    return f"{shown!r} is taken for a flag. What begins with a dash goes last, behind --: {behind}"


def own_flags(values: flags.FlagValues) -> list[str]:
    """The flags by their long names."""
    return [name for name in values if len(name) > 1]


def help_of(flag: flags.Flag) -> str:
    """A flag's help as it was written, without what absl adds to flags that can be repeated."""
    return str(flag.help).split(";\n")[0]


def _help(command: Command, values: flags.FlagValues) -> str:
    name = program.mentioned(f"bin/{command.name}", COMMANDS)
    argument = f" [{command.argument}]" if command.argument else ""
    lines = [command.summary, "", f"usage: {name}{argument} [flags]", ""]
    for one in own_flags(values):
        lines += _help_on(one, values[one])
    examples = program.mentioned(textwrap.dedent(command.examples).strip(), COMMANDS)
    return "\n".join([*lines, "", "examples:", *map(_fitted, examples.splitlines())])


def _fitted(example: str) -> str:
    """A command, broken before a flag where it is too long."""
    lines = ["  "]
    for number, part in enumerate(re.split(r" (?=--|<)", example)):
        if number and len(lines[-1]) + len(part) > _WIDTH - 3:
            lines.append("      ")
        elif number:
            lines[-1] += " "
        lines[-1] += part
    return " \\\n".join(lines)


def _help_on(name: str, flag: flags.Flag) -> list[str]:
    text = program.mentioned(help_of(flag), COMMANDS)
    if flag.default not in (None, "", False, []) and "Default:" not in text:
        text += f" Default: {flag.default}."
    wrapped = textwrap.wrap(
        text, width=_WIDTH - _HEAD - 1, break_long_words=False, break_on_hyphens=False
    )
    first, *more = wrapped or [""]
    head = f"  --{name}"
    # A name that is too long for its column has a line of its own.
    fits = len(head) < _HEAD
    beginning = [f"{head:<{_HEAD}} {first}"] if fits else [head, f"{'':<{_HEAD}} {first}"]
    return [*beginning, *(f"{'':<{_HEAD}} {line}" for line in more)]
