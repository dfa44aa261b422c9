"""Calls that measure what a ticket could be exported as, and write tables of it."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from tflottery import plugins, steps
from tflottery.exports.dense_run import dense_run
from tflottery.exports.results import Compared
from tflottery.files import write_together
from tflottery.plugins import Plugins
from tflottery.runs.encoded import load_corpus
from tflottery.runs.store import Store
from tflottery.tickets.given import located
from tflottery.tickets.ticket import Ticket

if TYPE_CHECKING:
    from tflottery.data.encoded import Corpus
    from tflottery.experiments.ticket.result import FoundTicket
    from tflottery.exports.fast.chosen import Chosen
    from tflottery.exports.fast.frontier import Frontier
    from tflottery.exports.formats.asked import Asked


def frontier(
    ticket: Ticket, base: Path, data_dir: str | Path | None, store: Store, plugin: Plugins
) -> Frontier:
    """Measures every ticket of a network that there is, and writes tables and figures."""
    from tflottery.exports.fast import (
        frontier_figure,
        frontier_measuring,
        frontier_page,
        frontier_tables,
    )
    from tflottery.exports.formats.checking import examples

    dense = dense_run(ticket, store).snapshot(steps.END)
    corpus = _corpus(ticket, data_dir, store)
    chains = frontier_measuring.chains_of(ticket, data_dir, store)
    found = frontier_measuring.measure(
        ticket, dense, chains, store, corpus, examples(corpus, ticket)
    )
    text = frontier_page.markdown(found, _command(ticket, ["--frontier"], plugin))
    contents = {"frontier.md": text, "frontier.csv": frontier_tables.csv(found.shown)}
    files = write_together(base, {**contents, **frontier_figure.drawn(found.shown)})
    return dataclasses.replace(found, markdown=text, files=tuple(files))


def searched(
    chosen: Chosen, ticket: Ticket, asked_for: Asked, folder: Path, plugin: Plugins
) -> tuple[Path, ...]:
    """Writes what a search for a budget measured beside the version that it ended with.

    Args:
        chosen: what it ended with.
        ticket: the one that was given.
        asked_for: the formats that were asked for.
        folder: of the version.
        plugin: as in ``find_ticket``.
    """
    from tflottery.exports.fast import searched

    options = ["--budget", str(chosen.budget)]
    if asked_for.formats:
        options += ["--format", ",".join(one.name for one in asked_for.formats)]
    if asked_for.quantize:
        options += ["--quantize", asked_for.quantize]
    title = f"{ticket.recipe.model.name} on {Path(ticket.recipe.data.dataset).name}"
    text = searched.markdown(chosen, title, _command(ticket, options, plugin))
    name = f"budget-{folder.name}"
    contents = {f"{name}.md": text, f"{name}.csv": searched.csv(chosen)}
    return tuple(write_together(folder.parent, contents))


def _command(ticket: Ticket, options: list[str], plugin: Plugins) -> str:
    plugins_ = [word for one in plugins.listed(plugin) for word in ("--plugin", one)]
    return shlex.join(["bin/export", "--ticket", str(ticket.folder), *options, *plugins_])


def _corpus(ticket: Ticket, data_dir: str | Path | None, store: Store) -> Corpus:
    return load_corpus(located(ticket.recipe.data, data_dir), store)


def compared(
    ticket: Ticket,
    found: FoundTicket | None,
    base: Path,
    sparsity: float | None,
    data_dir: str | Path | None,
    store: Store,
    plugin: Plugins,
) -> Compared:
    from tflottery.exports import comparison_tables
    from tflottery.exports.comparison import compare
    from tflottery.exports.formats.checking import examples

    dense = dense_run(ticket, store).snapshot(steps.END)
    structured = found.ticket if found else None
    corpus = _corpus(ticket, data_dir, store)
    comparison = compare(ticket, dense, structured, corpus.test, examples(corpus, ticket))
    options = ["--structured"] if found else []
    options += ["--sparsity", f"{sparsity:g}"] if sparsity is not None else []
    command = _command(ticket, ["--compare", *options], plugin)
    text = comparison_tables.markdown(comparison, command)
    contents = {"comparison.md": text, "comparison.csv": comparison_tables.csv(comparison)}
    return Compared(comparison, text, tuple(write_together(base, contents)), found)
