"""``bin/inspect``: a look at labelled texts before any work."""

from __future__ import annotations

import sys

from absl import flags

from tflottery.cli import app
from tflottery.cli import flags as common


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    common.define_configuration(values)
    flags.DEFINE_string(
        "store", "runs", "Folder where trainings keep encoded data.", flag_values=values
    )


def look(values: flags.FlagValues) -> None:
    """Calls ``tflottery.inspect`` and prints what it returns."""
    # Imported only here, so that --help is quick.
    from tflottery.experiments.inspecting import inspect

    seen = inspect(**common.configured(values), store=values.store)
    from tflottery.data.look.terminal import tables
    from tflottery.progress.consoles import open_console
    from tflottery.progress.reporter import Reporter

    reporter = Reporter(open_console())
    for line in seen.remarks:
        reporter.say(line)
    for table in tables(seen.findings):
        reporter.show(table)
        reporter.show("")
    reporter.say(seen.sentence, wrap=True)
    for line in seen.cautions:
        reporter.say(f"Caution: {line}", wrap=True)


COMMAND = app.Command(
    name="inspect",
    summary="Look at labelled texts first: classes, lengths, copies, and what they can tell.",
    define=define,
    action=look,
    examples="""
    bin/inspect --dataset reviews.csv
    bin/inspect --dataset reviews.csv --set data.text_column=review --set data.max_length=250
    bin/inspect --dataset imdb --model lstm
    """,
    kept=lambda values: "Nothing was written.",
    sections=("data",),
)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return app.run(COMMAND, argv)


if __name__ == "__main__":
    sys.exit(main())
