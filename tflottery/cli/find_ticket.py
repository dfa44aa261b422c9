"""``bin/find_ticket``: train, prune, rewind, retrain, judge, and write the ticket."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from tflottery.cli import app, experiments
from tflottery.cli import flags as common

if TYPE_CHECKING:
    from rich.table import Table

    from tflottery.experiments.ticket.planned import PlannedSearch
    from tflottery.experiments.ticket.result import FoundTicket
    from tflottery.progress.reporter import Reporter


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    common.define_configuration(values)
    common.define_search(values)
    flags.DEFINE_string(
        "seeds",
        "",
        "How many seeds, from --seed on; or which, as 4-13. The verdict is then on their mean. "
        "Default: --seed alone.",
        flag_values=values,
    )
    common.define_places(values, "tickets", "Folder where the ticket goes, in one of its own.")
    common.define_executor(values)
    common.define_tensorboard(values)


def find(values: flags.FlagValues) -> None:
    """Calls ``tflottery.find_ticket`` and prints what it returns."""
    # Imported only here, so that --help is quick.
    from tflottery.experiments.ticket.run import find_ticket

    found = find_ticket(
        **common.configured(values),
        **common.searched(values),
        seed=common.whole_number(values, "seed"),
        seeds=_seeds(values),
        output=values.output,
        **experiments.where(values),
        dry_run=values.dry_run,
    )
    from tflottery.experiments.ticket.planned import PlannedSearch
    from tflottery.progress.consoles import open_console
    from tflottery.progress.reporter import Reporter

    reporter = Reporter(open_console())
    if isinstance(found, PlannedSearch):
        _show_plan(reporter, found)
        return
    show_found(reporter, found)
    reporter.say(f"Ticket: {found.ticket.folder}/")
    for name, keywords in _next_steps(values, found).items():
        experiments.next_step(name, **keywords)


def _seeds(values: flags.FlagValues) -> int | tuple[int, ...] | None:
    """``--seeds``: a number counts from ``--seed`` on."""
    if not values.seeds:
        return None
    if values.seeds.isdecimal():
        return common.whole_number(values, "seeds", least=1)
    return common.seeds(values)


def _show_plan(reporter: Reporter, planned: PlannedSearch) -> None:
    rows: Iterable[Any] = planned.runs.itertuples(index=False)
    for network, done, key in rows:
        reporter.say(f"{key[:12]}  {network:<20} {'in the store' if done else 'to train'}")
    reporter.say(planned.sentence)


def show_found(reporter: Reporter, found: FoundTicket) -> None:
    """Prints what a search found: its levels, its verdict, and warnings."""
    reporter.show(_table(found))
    reporter.show(_intervals(found))
    reporter.say(found.sentence, wrap=True)
    reporter.say(found.rates)
    reporter.say(found.moved, wrap=True)
    reporter.say(found.size, wrap=True)
    for caution in found.cautions:
        reporter.say(caution, wrap=True)
    if not found.trained:
        reporter.say(f"Trained nothing: every run was in {found.store.root}/ already.")


def _table(found: FoundTicket) -> Table:
    """A row a network; of several seeds the mean, with the standard deviation of test accuracy.

    A chosen metric takes the room of two columns, so that the table still fits a terminal.
    """
    from rich.text import Text

    from tflottery.experiments.ticket.measured import over_seeds
    from tflottery.metrics import ACCURACY
    from tflottery.tickets.verdict import NO_VERDICT

    several = len(found.outcomes) > 1
    metric = found.outcome.plan.settings.metric
    is_other = metric != ACCURACY
    heading = metric.replace("_", "\n")
    table = _plain_table(
        "round",
        "pruned\n%",
        "weights\nleft",
        *([f"valid.\n{heading}", f"test\n{heading}"] if is_other else ["non-emb.\n%", "valid.\n%"]),
        "test ±\n%" if several else "test\n%",
        "to dense\npoints",
    )
    rows: Sequence[Any] = list(over_seeds(found.rounds).itertuples(index=False))
    # With one more word it may be wider than a terminal.
    table.add_column("verdict", no_wrap=not any(_befell(row) for row in rows))
    reported = found.outcome.reported.level.number
    for row in rows:
        verdict: str | Text = ""
        befell = _befell(row)
        if row.network == "reinit":
            verdict = f"mask of {reported}{befell}"
        elif row.reported:
            verdict = Text(f"{found.verdict}{befell} <", "bold")
        elif row.network != "dense":
            # Of what learnt nothing, any level matches.
            level = "matches" if row.matches else "below dense"
            level = "" if found.verdict == NO_VERDICT else level
            verdict = f"{level}{befell}".removeprefix(", ")
        outside, valid = row.sparsity_without_embedding, row.validation_accuracy
        test = f"{100 * row.test_accuracy:.2f}"
        table.add_row(
            row.network.removeprefix("round "),
            f"{100 * row.sparsity:.1f}",
            f"{row.remaining:,.0f}",
            *(
                _values(found, metric, row.network)
                if is_other
                else (f"{100 * outside:.1f}", f"{100 * valid:.2f}")
            ),
            f"{test}±{100 * row.test_deviation:.2f}" if several else test,
            "" if row.network == "dense" else f"{row.difference:+.2f}",
            verdict,
        )
    return table


def _befell(row: Any) -> str:
    """What is wrong with a network, beside its verdict: it lost a layer, or hears no text."""
    return ", collapsed" if row.collapsed else ", alike" if row.alike else ""


def _values(found: FoundTicket, metric: str, network: str) -> list[str]:
    """A network's metric on validation and test data, the mean over seeds; nothing where it is
    undefined."""
    from tflottery.runs.predictions import SPLITS

    of_network = found.metrics[found.metrics["network"] == network]
    means = of_network.groupby("split")[metric].mean()
    return ["" if (value := means[split]) != value else f"{value:.4f}" for split in SPLITS]


def _intervals(found: FoundTicket) -> Table:
    """A row a comparison that the verdict rests on."""
    from tflottery.tickets.words import interval

    table = _plain_table()
    for heading, justify in (
        ("95 % intervals", "left"), ("data", "left"), ("points", "left"), ("texts", "right"),
    ):  # fmt: skip
        table.add_column(heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for one in found.judged.comparisons:
        table.add_row(one.name, one.split, interval(one.plain()), f"{one.paired.texts:,}")
    return table


def _plain_table(*headings: str) -> Table:
    from tflottery.report.terminal import plain_table

    table = plain_table()
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _next_steps(values: flags.FlagValues, found: FoundTicket) -> dict[str, dict[str, Any]]:
    """Commands that go on from a ticket, with their flags and the places that were given here."""
    from tflottery.experiments.ticket.following import next_steps

    places = experiments.changed(values, "data_dir", "store", "plugin")
    return {name: keywords | places for name, keywords in next_steps(found).items()}


COMMAND = app.Command(
    name="find_ticket",
    summary="Find a winning ticket: train, prune, rewind, retrain, judge, write it to disk.",
    define=define,
    action=find,
    examples="""
    bin/find_ticket --dataset toy
    bin/find_ticket --dataset imdb --sparsity 0.832
    bin/find_ticket --dataset imdb --model lstm --init rewind:1ep --method one_shot --seed 3
    bin/find_ticket --dataset reviews.csv --set data.text_column=review --set training.epochs=6
    """,
    kept=common.kept_in_store,
    sections=("data", "model", "training", "pruning"),
)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return app.run(COMMAND, argv)


if __name__ == "__main__":
    sys.exit(main())
