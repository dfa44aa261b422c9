"""``bin/export``: a ticket as a model that TensorFlow Serving loads, and as files of others."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from tflottery import program
from tflottery.cli import COMMANDS, app, experiments
from tflottery.cli import flags as common
from tflottery.cli.find_ticket import show_found
from tflottery.exports.formats.asked import QUANTIZE
from tflottery.exports.formats.registry import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

    from tflottery.exports.fast.chosen import Chosen
    from tflottery.exports.fast.frontier import Frontier
    from tflottery.exports.fast.unit_costs import UnitCosts
    from tflottery.exports.results import Compared, Exported, PlannedBudget
    from tflottery.progress.reporter import Reporter


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""

    def text(name: str, default: str | None, help_text: str) -> None:
        flags.DEFINE_string(name, default, help_text, flag_values=values)

    def switch(name: str, help_text: str) -> None:
        flags.DEFINE_boolean(name, False, help_text, flag_values=values)

    text("ticket", "tickets", "A ticket's folder, or a folder of tickets: its newest one.")
    text("name", None, "The model's name. Default: data set and architecture, as imdb-cnn.")
    text("version", None, "The model's version, a whole number. Default: the next.")
    switch("compact", "Remove what pruning made useless; takes the ticket's data.")
    switch(
        "structured",
        "Export a ticket of whole filters, units and columns instead, found as this one was; "
        "trains what the store does not hold.",
    )
    text("sparsity", None, "With --structured: fraction of units to prune. Default: the ticket's.")
    text(
        "format",
        "savedmodel",
        f"Files to write, with commas between them: {', '.join(FORMATS)}. The SavedModel is in "
        "every version, the others beside it.",
    )
    text(
        "quantize",
        None,
        f"How the TFLite file stores numbers: {', '.join(QUANTIZE)}. Default: as they are.",
    )
    text(
        "max_score_difference",
        None,
        "With --quantize: the most by which a score may differ from the Python model's. Default: "
        "0.05.",
    )
    switch(
        "bundle",
        "Write the ticket as a folder to share instead: with a model card, safetensors and "
        "checksums.",
    )
    switch("compare", "Measure size and speed of each variant instead, with a table.")
    switch(
        "frontier",
        "Measure accuracy against throughput and size of dense and of every ticket of its network "
        "in the store instead, with figures; trains nothing.",
    )
    switch(
        "unit_costs", "Measure what a unit of each layer costs instead, for --criterion latency."
    )
    text(
        "budget",
        None,
        "Export the best ticket of whole units that meets it, by validation data: 'throughput 3x' "
        "(times dense), 'size 15x' (times smaller) or 'accuracy -0.3' (points); trains what the "
        "store does not hold. With --format tflite the TFLite file has to meet it.",
    )
    switch("dry_run", "With --budget: say what would be trained at most; train nothing.")
    text("data_dir", None, "Folder of prepared TFDS data. Default: where the ticket's data were.")
    text("store", "runs", "Folder where trainings and encoded data are kept.")
    text("output", "saved_models", "Folder where models go, one folder a name.")


def export(values: flags.FlagValues) -> None:
    """Calls ``tflottery.export`` and prints what it returns."""
    version = common.whole_number(values, "version", least=1) if values.version else None
    # Imported only here, so that --help is quick.
    from tflottery.exports.bundle import Bundle
    from tflottery.exports.export import export as export_ticket
    from tflottery.exports.fast.unit_costs import UnitCosts
    from tflottery.exports.results import (
        BudgetNotMetError,
        Compared,
        Exported,
        PlannedBudget,
    )

    places = {
        "name": values.name,
        "structured": values.structured,
        "sparsity": _number(values, "sparsity"),
        "data_dir": values.data_dir,
        "store": values.store,
    }
    not_met: BudgetNotMetError | None = None
    done: Any
    try:
        done = export_ticket(
            values.ticket, values.output, compare=values.compare, bundle=values.bundle,
            frontier=values.frontier, unit_costs=values.unit_costs, budget=values.budget,
            dry_run=values.dry_run, version=version, compact=values.compact,
            plugin=values.plugin, format=values.format, quantize=values.quantize,
            max_score_difference=_number(values, "max_score_difference"), **places,
        )  # fmt: skip
    except BudgetNotMetError as error:
        not_met, done = error, error.exported
    from tflottery.progress.consoles import open_console
    from tflottery.progress.reporter import Reporter

    reporter = Reporter(open_console())
    if isinstance(done, Bundle):
        reporter.say(f"Bundle: {done.folder}/ (a licence is yours to choose: README.md)")
        for remark in done.remarks:
            reporter.say(remark)
    elif isinstance(done, UnitCosts):
        _show_costs(reporter, done, experiments.changed(values, "data_dir", "store", "plugin"))
    elif isinstance(done, PlannedBudget):
        _show_planned(reporter, done)
    elif isinstance(done, Exported):
        _show_exported(reporter, done)
    elif isinstance(done, Compared):
        _show_compared(reporter, done)
    else:
        _show_frontier(reporter, done)
    if not_met:
        raise not_met


def _number(values: flags.FlagValues, name: str) -> float | None:
    text = values[name].value
    return common.number(name, text) if text else None


def _show_costs(reporter: Reporter, done: UnitCosts, places: dict[str, Any]) -> None:
    reporter.say(done.sentence)
    given = {"criterion": "latency", "scope": "global", "set": done.setting}
    reporter.paste(f"Give:   {program.line('find_ticket', **given, **places)}")


def _show_planned(reporter: Reporter, done: PlannedBudget) -> None:
    for pruned, rows in done.runs.groupby("pruned", sort=False):
        trained = f"{int(rows['done'].sum())} of {len(rows)} in the store"
        reporter.say(f"{pruned}: {trained}")
    reporter.say(
        f"{done.budget}: {done.total} trainings at most, {done.missing} of them to do; a chain "
        "ends as soon as the budget tells."
    )


def _show_frontier(reporter: Reporter, done: Frontier) -> None:
    from rich.markdown import Markdown

    reporter.show(Markdown(done.markdown))
    names = ", ".join(file.name for file in done.files)
    reporter.say(f"Written: {done.files[0].parent}/: {names}")


def _show_compared(reporter: Reporter, done: Compared) -> None:
    from rich.markdown import Markdown

    if done.found:
        show_found(reporter, done.found)
    reporter.show(Markdown(done.markdown))
    reporter.say(f"Written: {done.files[0].parent}/comparison.md, comparison.csv")


def _show_exported(reporter: Reporter, done: Exported) -> None:
    if done.found:
        show_found(reporter, done.found)
    reporter.say(f"Export: {done.folder}/")
    reporter.say(done.checked)
    reporter.say(f"Size:   {done.size}" if done.size else "")
    if done.chosen:
        _show_searched(reporter, done.chosen, done.searched)
    for remark in done.remarks:
        reporter.say(program.mentioned(remark, COMMANDS))
    for one in done.beside:
        reporter.say(f"Beside: {one.sentence}")
    for does, (first, other) in (("Serve:", done.serve), ("Ask:", done.ask)):
        reporter.paste(f"{does:<7} {first}")
        reporter.paste(f"{'':<7} or {other}")


def _show_searched(reporter: Reporter, chosen: Chosen, files: Sequence[Path]) -> None:
    from rich.markdown import Markdown

    from tflottery.exports.fast import searched

    reporter.show(Markdown(searched.table(chosen)))
    reporter.say(program.mentioned(f"Budget: {chosen.sentence}", COMMANDS))
    reporter.say(f"Written: {files[0].parent}/: {', '.join(file.name for file in files)}")


def _kept(values: flags.FlagValues) -> str:
    return f"{values.output}/ is as it was; the same command goes on from there."


COMMAND = app.Command(
    name="export",
    summary="Export a ticket to TensorFlow Serving, checked against the Python model.",
    define=define,
    action=export,
    examples="""
    bin/export
    bin/export --ticket tickets/imdb-cnn-…
    bin/export --ticket tickets/imdb-cnn-… --compact
    bin/export --ticket tickets/imdb-cnn-… --format tflite,onnx --quantize int8
    bin/export --ticket tickets/imdb-cnn-… --structured --sparsity 0.59
    bin/export --ticket tickets/imdb-cnn-… --compare --structured
    bin/export --ticket tickets/imdb-cnn-… --budget "throughput 3x"
    bin/export --ticket tickets/imdb-cnn-… --budget "accuracy -0.3" --format tflite
    bin/export --ticket tickets/imdb-cnn-… --frontier
    bin/export --ticket tickets/imdb-cnn-… --unit_costs
    bin/export --ticket tickets/imdb-cnn-… --name reviews --version 3
    bin/export --ticket tickets/imdb-cnn-… --bundle
    """,
    kept=_kept,
    argument="ticket",
)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return app.run(COMMAND, argv)


if __name__ == "__main__":
    sys.exit(main())
