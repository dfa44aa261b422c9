"""What the commands of experiments print: the plan, the results, what failed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from tflottery import program
from tflottery.cli import flags as common
from tflottery.errors import TrainingError

if TYPE_CHECKING:
    from rich.console import RenderableType


def where(values: flags.FlagValues) -> dict[str, Any]:
    """Where and how trainings run, as keywords of the API."""
    return {
        "store": values.store,
        **common.executed(values),
        "tensorboard": values.tensorboard,
    }


def say(*lines: str) -> None:
    """Prints lines, each whole however long it is; empty ones are left out."""
    from tflottery.progress.consoles import open_console
    from tflottery.progress.reporter import Reporter

    reporter = Reporter(open_console())
    for line in lines:
        reporter.say(line)


def next_step(command: str, *arguments: str, **keywords: Any) -> None:
    """Prints a command that could be the next, quoted (``program.line``)."""
    from tflottery.progress.consoles import open_console
    from tflottery.progress.reporter import Reporter

    Reporter(open_console()).paste(f"Next:   {program.line(command, *arguments, **keywords)}")


def changed(values: flags.FlagValues, *names: str) -> dict[str, Any]:
    """Those of the flags that are not at their defaults, for a next step."""
    return {
        name: values[name].value for name in names if values[name].value != values[name].default
    }


def report_on(values: flags.FlagValues) -> None:
    """Prints the command that shows what a store holds."""
    next_step("report", values.store, output="report/", **changed(values, "plugin"))


def show(thing: RenderableType) -> None:
    """Prints a table."""
    from tflottery.progress.consoles import open_console
    from tflottery.progress.reporter import Reporter

    Reporter(open_console()).show(thing)


def require_all(
    failures: Mapping[str, str], total: int, file: Path, what: str = "trainings"
) -> None:
    """Ends the command as failed where some trainings did.

    Raises:
        TrainingError: some did; the rest is done and written to ``file``.
    """
    if failures:
        reasons = "; ".join(sorted(set(failures.values())))
        of_all = f" of {total}" if total else ""
        raise TrainingError(
            f"{len(failures)}{of_all} {what} failed ({reasons}); they show as failed in {file}, "
            "and the same command tries them again"
        )
