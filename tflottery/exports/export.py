"""``export``: a ticket as a model for TensorFlow Serving, or measurements of what it could be."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from tflottery import plugins, startup, status
from tflottery.exports import bundle as bundles
from tflottery.exports import own_texts, together
from tflottery.exports.bundle import Bundle
from tflottery.exports.dense_run import dense_run
from tflottery.exports.fast import budget as budgets
from tflottery.exports.fast import unit_costs as costs_of_units
from tflottery.exports.fast import units
from tflottery.exports.fast.unit_costs import UnitCosts
from tflottery.exports.formats import asked
from tflottery.exports.places import checked_name, default_name, require_publishable
from tflottery.exports.results import BudgetNotMetError, Compared, Exported, PlannedBudget
from tflottery.files import require_writable
from tflottery.plugins import Plugins
from tflottery.runs.store import Store
from tflottery.settings import argument, count, place
from tflottery.tickets.given import open_ticket
from tflottery.tickets.ticket import Ticket

if TYPE_CHECKING:
    from tflottery.experiments.ticket.result import FoundTicket
    from tflottery.exports.fast.chosen import Chosen
    from tflottery.exports.fast.frontier import Frontier
    from tflottery.exports.formats.asked import Asked
    from tflottery.progress.reporter import Reporter

_OUTPUT = "saved_models"


@overload
def export(
    ticket: str | Path | Ticket = ...,
    output: str | Path = ...,
    *,
    compare: Literal[True],
    name: str | None = ...,
    structured: bool = ...,
    sparsity: float | None = ...,
    data_dir: str | Path | None = ...,
    store: str | Path | Store = ...,
    plugin: Plugins = ...,
    progress: bool | Reporter = ...,
) -> Compared: ...


@overload
def export(
    ticket: str | Path | Ticket = ...,
    output: str | Path = ...,
    *,
    bundle: Literal[True],
    name: str | None = ...,
    data_dir: str | Path | None = ...,
    store: str | Path | Store = ...,
    plugin: Plugins = ...,
    progress: bool | Reporter = ...,
) -> Bundle: ...


@overload
def export(
    ticket: str | Path | Ticket = ...,
    output: str | Path = ...,
    *,
    frontier: Literal[True],
    name: str | None = ...,
    data_dir: str | Path | None = ...,
    store: str | Path | Store = ...,
    plugin: Plugins = ...,
    progress: bool | Reporter = ...,
) -> Frontier: ...


@overload
def export(
    ticket: str | Path | Ticket = ...,
    output: str | Path = ...,
    *,
    unit_costs: Literal[True],
    store: str | Path | Store = ...,
    plugin: Plugins = ...,
    progress: bool | Reporter = ...,
) -> UnitCosts: ...


@overload
def export(
    ticket: str | Path | Ticket = ...,
    output: str | Path = ...,
    *,
    budget: str,
    dry_run: Literal[True],
    name: str | None = ...,
    version: int | None = ...,
    format: str | Sequence[str] = ...,
    quantize: str | None = ...,
    max_score_difference: float | None = ...,
    data_dir: str | Path | None = ...,
    store: str | Path | Store = ...,
    plugin: Plugins = ...,
    progress: bool | Reporter = ...,
) -> PlannedBudget: ...


@overload
def export(
    ticket: str | Path | Ticket = ...,
    output: str | Path = ...,
    *,
    compare: Literal[False] = ...,
    bundle: Literal[False] = ...,
    frontier: Literal[False] = ...,
    unit_costs: Literal[False] = ...,
    budget: str | None = ...,
    dry_run: Literal[False] = ...,
    name: str | None = ...,
    version: int | None = ...,
    compact: bool = ...,
    structured: bool = ...,
    sparsity: float | None = ...,
    format: str | Sequence[str] = ...,
    quantize: str | None = ...,
    max_score_difference: float | None = ...,
    data_dir: str | Path | None = ...,
    store: str | Path | Store = ...,
    plugin: Plugins = ...,
    progress: bool | Reporter = ...,
) -> Exported: ...


@status.said
def export(
    ticket: str | Path | Ticket = "tickets",
    output: str | Path = _OUTPUT,
    *,
    compare: bool = False,
    bundle: bool = False,
    frontier: bool = False,
    unit_costs: bool = False,
    budget: str | None = None,
    dry_run: bool = False,
    name: str | None = None,
    version: int | None = None,
    compact: bool = False,
    structured: bool = False,
    sparsity: float | None = None,
    format: str | Sequence[str] = asked.SAVED_MODEL,
    quantize: str | None = None,
    max_score_difference: float | None = None,
    data_dir: str | Path | None = None,
    store: str | Path | Store = "runs",
    plugin: Plugins = (),
    progress: bool | Reporter = True,
) -> Exported | Compared | Bundle | Frontier | UnitCosts | PlannedBudget:
    """Writes a trained ticket as a SavedModel that takes raw text, and as files of other formats,
    checks each in a fresh process, on all test texts where the ticket's data can be had, and
    publishes them. With ``compare``, ``frontier`` or
    ``unit_costs`` measures instead.

    >>> import tflottery as tfl
    >>> tfl.export("tickets", "saved_models", compact=True).folder    # doctest: +SKIP
    PosixPath('saved_models/toy-cnn/1')

    Args:
        ticket: a ticket, its folder, or a folder of tickets, whose newest is taken.
        output: the folder for models; each name has a folder in it.
        compare: measure size, speed and accuracy of each variant instead of publishing one.
        bundle: write the ticket as a folder to share instead, ``<name>-bundle``: with a model card,
            its weights as safetensors, and checksums; ``load_ticket`` reads it.
        frontier: measure accuracy against throughput and size of dense, of this ticket, and of all
            tickets of whole units that the store holds of its network; trains nothing.
        unit_costs: measure what a unit of each layer costs, for ``--criterion latency``.
        budget: export the best ticket of whole units that has ``throughput 3x`` (times dense), is
            ``size 15x`` smaller compressed, or loses at most ``accuracy -0.3`` (points); trains
            what the store lacks, and chooses by validation data. With ``format`` tflite it is the
            TFLite file that has to reach that, in the precision that ``quantize`` says or the best.
        dry_run: with ``budget``, say what would be trained at most, and train nothing.
        name: the model's name; by default data set and architecture, as ``imdb-cnn``.
        version: a whole number from 1 on that is not taken; by default the next.
        compact: remove what pruning made useless; takes the ticket's data, as ``quantize`` does.
        structured: export a ticket of whole units instead, which is searched for with the settings
            of this ticket; trains what the store lacks.
        sparsity: with ``structured``, the fraction of units to prune, in [0, 1); by default the
            ticket's.
        format: ``savedmodel``, ``keras``, ``safetensors``, ``tflite``, ``onnx``, ``web``; several
            as a list, or with commas between them. The SavedModel is in every version, the others
            beside it.
        quantize: how numbers of the TFLite file are stored: ``float16``, ``int8`` (weights alone)
            or ``int8-full`` (activations too); by default as they are.
        max_score_difference: with ``quantize``, the most by which a score may differ from the
            Python model's; by default 0.05.
        data_dir: the folder of prepared TFDS data; by default where the ticket's data were.
        store: where trainings and encoded data are kept.
        plugin: as in ``find_ticket``.
        progress: whether progress is shown.

    Returns:
        The published model; with ``compare``, ``frontier`` and ``unit_costs`` the measurements,
        with ``bundle`` the bundle, with ``dry_run`` what would be trained.

    Raises:
        UserError: the ticket is missing or damaged or has no trained weights, or the name, the
            version or a folder cannot be used.
        TflotteryError: the export's scores are not the Python model's; nothing was published.
        BudgetNotMetError: nothing that was tried meets the budget; what comes nearest is published,
            and ``error.exported``.
    """
    version = count("version", version)
    name = argument("name", name, str | None)
    wanted = None if budget is None else budgets.parse(argument("budget", budget, str))
    asked_for = asked.checked(format, quantize, max_score_difference)
    together.check(
        bundle=bundle, compare=compare, frontier=frontier, unit_costs=unit_costs,
        budget=wanted is not None, structured=structured, compact=compact, dry_run=dry_run,
        has_place=name is not None or str(output) != _OUTPUT, has_version=version is not None,
        has_sparsity=sparsity is not None, has_formats=bool(asked_for.formats),
    )  # fmt: skip
    plugins.load(plugin)
    opened = open_ticket(ticket)
    if not (structured or wanted or unit_costs) or compare:
        opened.require_trained()  # before anything is read, trained or written
    asked_for.require_writable(opened)
    base = place("output", output) / checked_name(default_name(opened) if name is None else name)
    store = Store.of(store)
    if frontier or (compare and not structured):  # a search for units trains dense where it lacks
        dense_run(opened, store)
    if wanted or unit_costs:
        costs_of_units.require_units(opened)
    if wanted and dry_run:
        return PlannedBudget(wanted, tuple(units.planned(opened, data_dir, store)), store)
    if wanted or unit_costs or structured:  # before hours of work, whose end is kept there
        require_writable(store.root, "--store")
    if not unit_costs:
        require_writable(base, "--output")
    if bundle:
        shared = base.with_name(f"{base.name}-bundle")
        bundles.require_free(shared, opened)  # before anything is read
        return bundles.write(opened, shared, own_texts.of(opened, data_dir, store))
    if structured or wanted:
        require_writable(opened.folder.absolute().parent, "--ticket")
    if not (compare or frontier or unit_costs):
        require_publishable(base, version)
    from tflottery.progress.reporter import Reporter

    reporter = Reporter.of(progress)
    if unit_costs:
        startup.start_tensorflow()
        return costs_of_units.unit_costs(opened, store)
    reporter.say(opened.reservation)
    if frontier:
        startup.start_tensorflow()
        from tflottery.exports import measured

        return measured.frontier(opened, base, data_dir, store, plugin)
    chosen: Chosen | None = None
    found: FoundTicket | None = None
    asked_first = asked_for
    if wanted:
        forms = units.forms_of(asked_for, opened.recipe.model)
        chosen, found = units.search_within(opened, wanted, forms, data_dir, store, reporter)
        asked_for = units.asked_as(chosen, asked_for)
    elif structured:
        found = units.search_like(opened, sparsity, data_dir, store, reporter)
    startup.start_tensorflow()  # a search has read its data by then
    if compare:
        from tflottery.exports import measured

        return measured.compared(opened, found, base, sparsity, data_dir, store, plugin)
    smaller = compact or structured or wanted is not None
    taken = chosen.best.ticket if chosen else None
    of = found.ticket if found else taken or opened
    exported = _published(of, base, version, smaller, asked_for, data_dir, store)
    remarks = (*exported.remarks, *(chosen.left_out if chosen else ()))
    exported = dataclasses.replace(exported, found=found, chosen=chosen, remarks=remarks)
    if chosen:
        from tflottery.exports import measured

        files = measured.searched(chosen, opened, asked_first, exported.folder, plugin)
        exported = dataclasses.replace(exported, searched=files)
    if chosen and not chosen.is_met:
        raise BudgetNotMetError(exported)
    return exported


def _published(
    ticket: Ticket,
    base: Path,
    version: int | None,
    smaller: bool,
    asked_for: Asked,
    data_dir: str | Path | None,
    store: Store,
) -> Exported:
    from tflottery.exports import threshold
    from tflottery.exports.formats.checking import Also
    from tflottery.exports.publishing import publish

    needed = smaller or bool(asked_for.quantize)
    own = own_texts.of(ticket, data_dir, store, needed=needed)
    few = own.remark("Compared on a few texts, and no words that decide a class are listed")
    remarks = tuple(filter(None, [threshold.left_behind(base), few]))
    also = Also.of(asked_for, own.corpus, ticket) if asked_for.formats else None
    published = publish(ticket, base, version, own.corpus, also, smaller)
    return Exported(
        ticket, published.folder, published.checked, None, published.size, published.beside,
        remarks=remarks, store=store,
    )  # fmt: skip
