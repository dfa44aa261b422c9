"""``export``: a ticket as a model for TensorFlow Serving, or a comparison of its variants."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from tflottery import plugins, startup, status
from tflottery.errors import UserError
from tflottery.exports import bundle as bundles
from tflottery.exports.bundle import Bundle
from tflottery.exports.formats import asked
from tflottery.exports.places import checked_name, default_name, require_publishable
from tflottery.files import require_writable, write_together
from tflottery.plugins import Plugins
from tflottery.runs.encoded import load_corpus
from tflottery.runs.resources import LOCAL
from tflottery.runs.store import Store
from tflottery.settings import argument, count, place
from tflottery.tickets import plan as plans
from tflottery.tickets.given import level_of, located, open_ticket
from tflottery.tickets.ticket import Ticket

if TYPE_CHECKING:
    from tflottery.data.encoded import Corpus
    from tflottery.experiments.ticket.result import FoundTicket
    from tflottery.exports.comparison import Comparison
    from tflottery.exports.formats.checking import Beside
    from tflottery.progress.reporter import Reporter


@dataclass(frozen=True)
class Exported:
    """A published model.

    ``ticket``: what was exported. ``folder``: the folder of its version. ``checked``: a sentence on
    how its scores were compared with the Python model's. ``found``: with ``structured``, the search
    for a ticket of whole units. ``size``: a sentence on weights and bytes. ``beside``: the files of
    other formats, each with its size and what was found when it was checked.
    """

    ticket: Ticket
    folder: Path
    checked: str
    found: FoundTicket | None = None
    size: str = ""
    beside: tuple[Beside, ...] = ()

    @property
    def name(self) -> str:
        """The model's name."""
        return self.folder.parent.name

    @property
    def version(self) -> int:
        """The model's version, from 1 on."""
        return int(self.folder.name)


@dataclass(frozen=True)
class Compared:
    """Sizes, speeds and accuracies of a ticket's variants.

    ``markdown``: the tables as text. ``files``: the files that were written. ``found``: with
    ``structured``, the search for a ticket of whole units.
    """

    comparison: Comparison
    markdown: str
    files: tuple[Path, ...]
    found: FoundTicket | None = None


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
    plugin: Plugins = ...,
    progress: bool | Reporter = ...,
) -> Bundle: ...


@overload
def export(
    ticket: str | Path | Ticket = ...,
    output: str | Path = ...,
    *,
    compare: Literal[False] = ...,
    bundle: Literal[False] = ...,
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
    output: str | Path = "saved_models",
    *,
    compare: bool = False,
    bundle: bool = False,
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
) -> Exported | Compared | Bundle:
    """Writes a trained ticket as a SavedModel that takes raw text, and as files of other formats,
    checks each in a fresh process and publishes them. With ``compare``, measures variants of the
    ticket instead.

    >>> import tflottery as tfl
    >>> tfl.export("tickets", "saved_models", compact=True).folder    # doctest: +SKIP
    PosixPath('saved_models/toy-cnn/1')

    Args:
        ticket: a ticket, its folder, or a folder of tickets, whose newest is taken.
        output: the folder for models; each name has a folder in it.
        compare: measure size, speed and accuracy of each variant instead of publishing one.
        bundle: write the ticket as a folder to share instead, ``<name>-bundle``: with a model card,
            its weights as safetensors, and checksums; ``load_ticket`` reads it.
        name: the model's name; by default data set and architecture, as ``imdb-cnn``.
        version: a whole number from 1 on that is not taken; by default the next.
        compact: remove what pruning made useless; every test score is compared.
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
        The published model; with ``compare`` the measurements, with ``bundle`` the bundle.

    Raises:
        UserError: the ticket is missing or damaged or has no trained weights, or the name, the
            version or a folder cannot be used.
        TflotteryError: the export's scores are not the Python model's; nothing was published.
    """
    version = count("version", version)
    name = argument("name", name, str | None)
    if sparsity is not None and not structured:
        raise UserError("--sparsity goes with --structured; bin/find_ticket prunes weights.")
    if compare and (compact or version is not None):
        raise UserError("--compare publishes nothing; leave --compact and --version out.")
    asked_for = asked.checked(format, quantize, max_score_difference)
    if compare and asked_for.formats:
        raise UserError("--compare measures every format that is installed; leave --format out.")
    if bundle and (compare or compact or structured or version is not None or asked_for.formats):
        raise UserError("--bundle shares a ticket as it is; only --ticket, --name and --output go.")
    plugins.load(plugin)
    opened = ticket if isinstance(ticket, Ticket) else open_ticket(place("ticket", ticket))
    if compare or not structured:
        opened.require_trained()  # before anything is read, trained or written
    asked_for.require_writable(opened)
    base = place("output", output) / checked_name(default_name(opened) if name is None else name)
    require_writable(base, "--output")
    if bundle:
        return bundles.write(opened, base.with_name(f"{base.name}-bundle"))
    if structured:
        require_writable(opened.folder.absolute().parent, "--ticket")
    if not compare:
        require_publishable(base, version)
    startup.start_tensorflow()
    from tflottery.exports.formats.checking import Also
    from tflottery.exports.publishing import publish
    from tflottery.progress.reporter import Reporter

    store, reporter = Store.of(store), Reporter.of(progress)
    reporter.say(opened.reservation)
    found = _of_units(opened, sparsity, data_dir, store, reporter) if structured else None
    if compare:
        return _compare(opened, found, base, sparsity, data_dir, store, plugin)
    chosen = found.ticket if found else opened
    smaller = compact or structured
    if not (smaller or asked_for.formats):
        published = publish(chosen, base, version)
    else:
        corpus = _corpus(chosen, data_dir, store)
        also = Also.of(asked_for, corpus, chosen) if asked_for.formats else None
        published = publish(chosen, base, version, corpus.test if smaller else None, also)
    return Exported(
        chosen, published.folder, published.checked, found, published.size, published.beside
    )


def _corpus(ticket: Ticket, data_dir: str | Path | None, store: Store) -> Corpus:
    return load_corpus(located(ticket.recipe.data, data_dir), store)


def _of_units(
    ticket: Ticket,
    sparsity: float | None,
    data_dir: str | Path | None,
    store: Store,
    reporter: Reporter,
) -> FoundTicket:
    """Searches for a ticket of whole units with the settings of the given one; writes it beside
    that one."""
    from tflottery.experiments.driver import Driver
    from tflottery.experiments.ticket.run import search_and_write

    settings = dataclasses.replace(
        ticket.pruning,
        criterion="filters",
        sparsity=level_of(ticket).sparsity if sparsity is None else sparsity,
    )
    seed = ticket.about["seed"]
    recipe = dataclasses.replace(ticket.recipe, data=located(ticket.recipe.data, data_dir))
    plan = plans.make_plan(recipe, settings, seed)
    if rule := ticket.rule:
        plan = plans.at_rates(plan, rule)
    output = ticket.folder.absolute().parent
    driver = Driver(store, LOCAL, None, None, "auto", "", reporter)
    return search_and_write([plan], recipe, rule, driver, output)


def _compare(
    ticket: Ticket,
    found: FoundTicket | None,
    base: Path,
    sparsity: float | None,
    data_dir: str | Path | None,
    store: Store,
    plugin: Plugins,
) -> Compared:
    from tflottery.exports import comparison_tables
    from tflottery.exports.comparison import compare, dense_weights
    from tflottery.exports.formats.checking import examples

    dense = dense_weights(ticket, store)
    structured = found.ticket if found else None
    corpus = _corpus(ticket, data_dir, store)
    comparison = compare(ticket, dense, structured, corpus.test, examples(corpus, ticket))
    options = ["--structured"] if found else []
    options += ["--sparsity", f"{sparsity:g}"] if sparsity is not None else []
    options += [word for one in plugins.listed(plugin) for word in ("--plugin", one)]
    command = ["bin/export", "--ticket", str(ticket.folder), "--compare", *options]
    text = comparison_tables.markdown(comparison, shlex.join(command))
    contents = {"comparison.md": text, "comparison.csv": comparison_tables.csv(comparison)}
    return Compared(comparison, text, tuple(write_together(base, contents)), found)
