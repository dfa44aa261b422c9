"""``bin/transfer``: take a ticket to other data, and compare it with networks found there."""

from __future__ import annotations

import sys

from absl import flags

from tflottery.cli import app, experiments
from tflottery.cli import flags as common
from tflottery.errors import UserError


def define(values: flags.FlagValues) -> None:
    def text(name: str, default: str, help_text: str) -> None:
        flags.DEFINE_string(name, default, help_text, flag_values=values)

    text("to", "", "The target: imdb, yelp_polarity, any TFDS builder, a file or a folder.")
    text("ticket", "tickets", "A ticket's folder, or a folder of tickets: its newest one.")
    text("model", "", "cnn, gru, lstm or transformer: the newest ticket of that network.")
    text("data_dir", "", "Folder of prepared TFDS data. Default: as when the ticket was found.")
    text("seeds", "1", "How many seeds, from the ticket's on; or which, as 4-13.")
    text("more_dense", "0", "Of so many seeds after the last one dense is trained, alone.")
    text(
        "levels",
        "",
        "Sparsities, as 0.36,0.832; or all: each round of the ticket's chain. Default: the "
        "ticket's own.",
    )
    text("grid", "default", "default: five networks a level; full: every mask with all weights.")
    text(
        "vocabulary",
        "reuse",
        "What embedding rows mean on the target: reuse (the ticket's vocabulary), remap (the "
        "target's, rows carried over by word), drop (the target's, the embedding is neither "
        "carried over nor pruned), shared (the ticket was found with both) or remap_v1 (what "
        "remap once was).",
    )
    text("train_size", "0", "Take so many texts of the target's training split; 0 takes all.")
    flags.DEFINE_boolean(
        "reverse",
        False,
        "The other way: tickets are found on the target and taken to the ticket's data.",
        flag_values=values,
    )
    flags.DEFINE_multi_string(
        "set",
        [],
        "data.KEY=value or training.KEY=value: changes a setting of the target; may be given "
        "several times. The keys: --helpkeys.",
        flag_values=values,
    )
    text("store", "runs", "Folder where trainings are kept.")
    common.define_executor(values)
    common.define_tensorboard(values)
    common.define_dry_run(values)


def transfer(values: flags.FlagValues) -> None:
    if not values.to:
        raise UserError("Say where to: bin/transfer --to yelp_polarity, or a file of your own.")
    keywords = {
        **experiments.where(values),
        "to": values.to,
        "model": values.model,
        "data_dir": values.data_dir or None,
        "seeds": common.seeds(values),
        "more_dense": common.whole_number(values, "more_dense"),
        "levels": _levels(values),
        "grid": values.grid,
        "vocabulary": values.vocabulary,
        "train_size": common.whole_number(values, "train_size"),
        "reverse": values.reverse,
        "set": values.set,
        "plugin": values.plugin,
    }
    # Here, so that --help need not wait.
    from tflottery.experiments.transfer.run import transfer as transfer_ticket

    if values.dry_run:
        experiments.say(transfer_ticket(values.ticket, **keywords, dry_run=True).sentence)
        return
    done = transfer_ticket(values.ticket, **keywords)
    from tflottery.experiments.transfer.terminal import terminal

    experiments.show(terminal(done.results))
    experiments.say(
        *(one.on_a_line for one in done.answers),
        *done.cautions,
        f"{done.trained} trainings done now, {done.total - len(done.failures)} in all.",
        f"Result: {done.folder}/result.json",
    )
    experiments.report_on(values)
    experiments.require_all(done.failures, len(done.cells), done.folder / "cells.csv", "networks")


def _levels(values: flags.FlagValues) -> list[float] | str | None:
    if values.levels in ("", "all"):
        return values.levels or None
    return common.numbers(values, "levels", float, "sparsities with commas between them, or all")


COMMAND = app.Command(
    name="transfer",
    summary="Take a ticket to other data: does it win there?",
    define=define,
    action=transfer,
    examples="""
    bin/transfer --to yelp_polarity
    bin/transfer --ticket tickets/imdb-cnn-... --to yelp_polarity --levels 0.36,0.832 --seeds 3
    bin/transfer --to my_reviews.csv --vocabulary remap --set data.text_column=review
    bin/transfer --to yelp_polarity --train_size 25000 --grid full --dry_run
    """,
    kept=common.kept_in_store,
    sections=("data", "training"),
    argument="to",
)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return app.run(COMMAND, argv)


if __name__ == "__main__":
    sys.exit(main())
