"""``bin/evaluate``: what an exported model is worth on labelled texts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from absl import flags

from tflottery.cli import app
from tflottery.cli import flags as common
from tflottery.errors import UserError

if TYPE_CHECKING:
    from tflottery.progress.reporter import Reporter
    from tflottery.scoring.evaluation import Evaluation


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""

    def text(name: str, default: str | None, help_text: str) -> None:
        flags.DEFINE_string(name, default, help_text, flag_values=values)

    text("model", None, "Folder of a model that bin/export wrote, or of one of its versions.")
    text(
        "dataset",
        None,
        "Labelled texts: imdb, yelp_polarity, toy, any TFDS builder, a table, a folder of class "
        "folders, or a source of a plugin.",
    )
    text("data_dir", None, "Folder of prepared TFDS data; else TFDS_DATA_DIR, else TFDS' own.")
    text("text_column", None, "The column that holds the texts. Default: text.")
    text("label_column", None, "The column that holds the labels. Default: label.")
    text(
        "split",
        "test",
        "test (what training holds out, where the data have no such split), validation, train, or "
        "all texts.",
    )
    text(
        "threshold",
        "",
        "Of two classes: above which score the second is the label, a number or best-f1, which is "
        "chosen on validation texts. Default: the model's own.",
    )
    flags.DEFINE_boolean(
        "keep",
        False,
        "Publish the threshold as the model's next version, whose label follows it.",
        flag_values=values,
    )
    text("words", "500", "Look for words that decide a class in so many of the texts; 0: in none.")
    text("output", None, "Folder for the tables as CSV and a picture. Default: none are written.")
    flags.DEFINE_multi_string(
        "set",
        [],
        "data.key=value: how the data are read and dealt out; may be given several times.",
        flag_values=values,
    )


def evaluate(values: flags.FlagValues) -> None:
    """Calls ``tflottery.evaluate`` and prints what it returns."""
    if not values.model:
        raise UserError("Which model? Give --model the folder that bin/export wrote.")
    # Imported only here, so that --help is quick.
    from tflottery.scoring.evaluate import evaluate as judge
    from tflottery.scoring.evaluation import folder_of

    if values.output is not None:
        folder_of(values.output)  # before anything is scored or published
    done = judge(
        values.model, values.dataset, text=values.text_column or "",
        label=values.label_column or "", split=values.split, threshold=values.threshold,
        keep=values.keep, words=common.whole_number(values, "words"), data_dir=values.data_dir,
        set=values.set, plugin=values.plugin,
    )  # fmt: skip
    from tflottery.progress.consoles import open_console
    from tflottery.progress.reporter import Reporter

    reporter = Reporter(open_console())
    for line in done.remarks:
        reporter.say(line)
    _show(reporter, done)
    if values.output is not None:
        files = done.save(values.output)
        reporter.say(f"Written: {', '.join(map(str, files))}")
    if values.keep:
        reporter.say(f"Published: {done.model}/, whose label follows the threshold.")


def _show(reporter: Reporter, done: Evaluation) -> None:
    from tflottery.scoring.shown import tables

    for table in tables(done):
        reporter.show(table)
        reporter.show("")
    reporter.say(done.chosen)
    reporter.say(done.sentence)


COMMAND = app.Command(
    name="evaluate",
    summary="Judge an exported model: metrics, classes, calibration, a threshold, words.",
    define=define,
    action=evaluate,
    examples="""
    bin/evaluate --model saved_models/imdb-cnn --dataset imdb
    bin/evaluate --model saved_models/imdb-cnn --dataset reviews.csv --split all
    bin/evaluate --model saved_models/imdb-cnn --dataset imdb --threshold best-f1 --keep
    """,
    kept=lambda values: "Nothing was written.",
    sections=("data",),
)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return app.run(COMMAND, argv)


if __name__ == "__main__":
    sys.exit(main())
