"""What ``export`` does: load the ticket, publish or compare it, say how to serve it."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

from absl import flags
from rich.console import Console
from rich.markdown import Markdown

from tflottery import lottery
from tflottery.cli import flags as common
from tflottery.cli.given_ticket import level_of, located
from tflottery.cli.progress import open_console
from tflottery.cli.ticket_search import find
from tflottery.data.corpus import Encoded
from tflottery.errors import UserError
from tflottery.experiments.learning_rate.rule import rule_from
from tflottery.export.publishing import check_name, model_name, publish, require_publishable
from tflottery.export.serving_files import curl, docker_run
from tflottery.files import require_writable, write_atomically
from tflottery.runs.realise import load_corpus
from tflottery.runs.store import Store
from tflottery.tickets import Ticket, load_ticket


def run(values: flags.FlagValues) -> None:
    """Exports or compares a ticket as the flags say."""
    if not values.ticket:
        raise UserError("Which ticket? Give --ticket the folder that bin/find_ticket wrote.")
    if values.sparsity and not values.structured:
        raise UserError("--sparsity goes with --structured; bin/find_ticket prunes weights.")
    if values.compare and (values.compact or values.version):
        raise UserError("--compare publishes nothing; leave --compact and --version out.")
    version = common.whole_number(values, "version", least=1) if values.version else None
    ticket = load_ticket(values.ticket)
    if values.compare or not values.structured:
        ticket.require_trained()  # before anything is read, trained or written
    name = check_name(model_name(ticket) if values.name is None else values.name)
    base = Path(values.output) / name
    require_writable(base, "--output")
    console = open_console()
    if values.compare:
        _compare(ticket, base, values, console)
        return
    require_publishable(base, version)
    structured = _structured(ticket, values, console) if values.structured else None
    chosen = structured or ticket
    test = _test_texts(chosen, values) if values.compact or structured else None
    published = publish(chosen, base, version, test)
    for line in (
        f"Export: {published.folder}/",
        published.checked,
        f"Serve:  {docker_run(base)}",
        f"        or docker compose -f {base}/compose.yaml up",
        f"Ask:    {curl(name)}",
        f'        or bin/predict --model {base} "a film I would gladly see again"',
    ):
        console.print(line, soft_wrap=True)


def _test_texts(ticket: Ticket, values: flags.FlagValues) -> Encoded:
    data = located(ticket.recipe.data, values.data_dir or "")
    return load_corpus(data, Store(Path(values.store))).test


def _structured(ticket: Ticket, values: flags.FlagValues, console: Console) -> Ticket:
    """A ticket of whole units, found as the given one was and written beside it."""
    require_writable(ticket.folder.absolute().parent, "--ticket")
    sparsity = (
        common.number("sparsity", values.sparsity) if values.sparsity else level_of(ticket).sparsity
    )
    settings = dataclasses.replace(ticket.pruning, criterion="filters", sparsity=sparsity)
    seed = ticket.about["seed"]
    data = located(ticket.recipe.data, values.data_dir or "")
    recipe = dataclasses.replace(ticket.recipe, data=data)
    plan = lottery.make_plan(recipe, settings, seed)
    given = ticket.about.get("learning_rate_rule")
    rule = rule_from(given, ticket.folder / "ticket.json") if given else None
    if rule:
        plan = lottery.at_rates(plan, rule)
    store = Store(Path(values.store))
    return find(console, plan, recipe, rule, store, ticket.folder.absolute().parent, seed)


def _compare(ticket: Ticket, base: Path, values: flags.FlagValues, console: Console) -> None:
    # Here, since its tables come with pandas and matplotlib.
    from tflottery.export import comparison_tables
    from tflottery.export.comparison import compare, dense_weights

    dense = dense_weights(ticket, Store(Path(values.store)))
    structured = _structured(ticket, values, console) if values.structured else None
    comparison = compare(ticket, dense, structured, _test_texts(ticket, values))
    options = ["--structured"] if structured else []
    options += ["--sparsity", values.sparsity] if values.sparsity else []
    command = shlex.join(["bin/export", "--ticket", values.ticket, "--compare", *options])
    text = comparison_tables.markdown(comparison, command)
    write_atomically(base / "comparison.md", text)
    write_atomically(base / "comparison.csv", comparison_tables.csv(comparison))
    console.print(Markdown(text))
    console.print(f"Written: {base}/comparison.md, comparison.csv", soft_wrap=True)
