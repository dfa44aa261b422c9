"""``bin/report``: a page, figures, Markdown and CSV from the studies and transfers in a store."""

from __future__ import annotations

import sys

from absl import flags

from tflottery import activity, printed
from tflottery.cli import app


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    flags.DEFINE_string(
        "store",
        "runs",
        "Folder that bin/study and bin/transfer filled, or that of one of theirs.",
        flag_values=values,
    )
    flags.DEFINE_multi_string(
        "model",
        [],
        "Folder that bin/export wrote, of a model, a version or a bundle: the words and n-grams "
        "that decide its classes; may be given several times.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "output",
        "report",
        "Folder that the report goes to; an older report there is replaced.",
        flag_values=values,
    )


def make(values: flags.FlagValues) -> None:
    """Calls ``tflottery.write_report`` and prints where the report is."""
    # Imported only here, so that --help does not wait for pandas and matplotlib.
    from tflottery.experiments.reports import write_report

    page = write_report(values.store, values.output, model=values.model, plugin=values.plugin)
    activity.quiet()
    printed.say(f"Report: {page}")


def _kept(values: flags.FlagValues) -> str:
    return f"{values.output}/ is as it was; the same command begins anew."


COMMAND = app.Command(
    name="report",
    summary="Show what studies and transfers found: a page, figures, Markdown and CSV.",
    define=define,
    action=make,
    examples="""
    bin/report runs
    bin/report runs --output report/
    bin/report runs/studies/study_cnn --output report_cnn/
    bin/report --model saved_models/imdb-cnn --output report_cnn/
    """,
    kept=_kept,
    argument="store",
    prints_data=True,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return app.run(COMMAND, argv)


if __name__ == "__main__":
    sys.exit(main())
