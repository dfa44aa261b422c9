"""``transfer``: a ticket trained on other data, beside what those data give by themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from tflottery import plugins, program, status
from tflottery.data.reading import given, sources
from tflottery.data.reading.given import Data
from tflottery.errors import UserError
from tflottery.experiments import configuration, guard
from tflottery.experiments.configuration import Settings, assigned
from tflottery.experiments.driver import Driver, PlannedTrainings, Trainings
from tflottery.experiments.inspecting import before_dry_run
from tflottery.experiments.transfer import remarks
from tflottery.experiments.transfer.design import Cell, Transfer, encoded_for
from tflottery.experiments.transfer.finished import TransferResult
from tflottery.experiments.which_seeds import MOST_SEEDS, seeds_of, seeds_recorded
from tflottery.plugins import Plugins
from tflottery.runs import recipes
from tflottery.runs.encoded import load_corpus
from tflottery.runs.identifying import remarks_on
from tflottery.runs.realise import Realiser
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.runs.store import Store
from tflottery.runs.vectors import keep_vectors
from tflottery.settings import argument
from tflottery.tickets import plan as plans
from tflottery.tickets.given import level_of, located, open_ticket, require_same
from tflottery.tickets.plan import Level
from tflottery.tickets.ticket import Ticket

if TYPE_CHECKING:
    from tflottery.progress.reporter import Reporter


@overload
def transfer(
    ticket: str | Path | Ticket = ..., *, to: Data, dry_run: Literal[True], **flags: Any
) -> PlannedTrainings: ...


@overload
def transfer(
    ticket: str | Path | Ticket = ...,
    *,
    to: Data,
    text: str = ...,
    label: str = ...,
    validation: Data | None = ...,
    test: Data | None = ...,
    model: str = ...,
    data_dir: str | Path | None = ...,
    seeds: int | Iterable[int] = ...,
    more_dense: int = ...,
    levels: Sequence[float] | Literal["all"] | None = ...,
    grid: str = ...,
    vocabulary: str = ...,
    train_size: int = ...,
    reverse: bool = ...,
    set: Settings = ...,
    store: str | Path | Store = ...,
    executor: str = ...,
    workers: int | None = ...,
    threads: int | None = ...,
    address: str = ...,
    tensorboard: str | Path = ...,
    dry_run: Literal[False] = ...,
    plugin: Plugins = ...,
    progress: bool | Reporter = ...,
) -> TransferResult: ...


@status.said  # type: ignore[misc]  # the first overload leaves its flags to this one
def transfer(
    ticket: str | Path | Ticket = "tickets",
    *,
    to: Data,
    text: str = "",
    label: str = "",
    validation: Data | None = None,
    test: Data | None = None,
    model: str = "",
    data_dir: str | Path | None = None,
    seeds: int | Iterable[int] = 1,
    more_dense: int = 0,
    levels: Sequence[float] | Literal["all"] | None = None,
    grid: str = "default",
    vocabulary: str = "reuse",
    train_size: int = 0,
    reverse: bool = False,
    set: Settings = (),
    store: str | Path | Store = "runs",
    executor: str = "",
    workers: int | None = None,
    threads: int | None = None,
    address: str = "auto",
    tensorboard: str | Path = "",
    dry_run: bool = False,
    plugin: Plugins = (),
    progress: bool | Reporter = True,
) -> TransferResult | PlannedTrainings:
    """Trains a ticket on other data, beside those data's own ticket, its mask with new weights, a
    random mask, and the dense network (Morcos et al. 2019, arXiv 1906.02773).

    >>> import tflottery as tfl
    >>> moved = tfl.transfer("tickets", to="meals.csv", seeds=3)    # doctest: +SKIP
    >>> moved.answers[0].outcome                                    # doctest: +SKIP

    Args:
        ticket: a ticket, its folder, or a folder of tickets: its newest one.
        to: the target, as ``find_ticket`` takes data.
        text, label: columns of the target, where it is a file or a DataFrame.
        validation, test: more of the target, where it is a DataFrame or lists.
        model: of a folder of tickets, the newest one of that architecture.
        data_dir: folder of prepared TFDS data; by default where the ticket's data were.
        seeds: how many, from the ticket's on; or which.
        more_dense: of so many seeds after the last one the dense network alone is trained.
        levels: sparsities in (0, 1); ``all``: each round of the ticket's chain; by default the
            ticket's own.
        grid: ``default``: five networks a level; ``full``: every mask with all weights.
        vocabulary: what embedding rows stand for on the target: ``reuse``, ``remap``, ``drop``,
            ``shared``, or ``remap_v1`` for what ``remap`` was in stores of before.
        train_size: takes so many texts of the target's training split; 0 takes all.
        reverse: tickets are found on the target and taken to the ticket's data.
        set: settings of the target, ``data.KEY`` and ``training.KEY``.
        store, executor, workers, threads, address, tensorboard, dry_run, plugin, progress: as
            in ``run_study``.

    Returns:
        What the transfer gave; networks that failed are among it (``failures``). With ``dry_run``
        the trainings that it would take.

    Raises:
        UserError: the ticket, the data or a setting cannot be used; nothing was trained.
    """
    if not isinstance(levels, str) or levels != "all":
        levels = argument("levels", levels, tuple[float, ...] | None)
    grid, vocabulary = argument("grid", grid, str), argument("vocabulary", vocabulary, str)
    driver = Driver(store, executor, workers, threads, address, tensorboard, progress)
    plugins.load(plugin, threads=driver.resources.threads)
    opened = open_ticket(ticket, model)
    level = level_of(opened)
    first = int(opened.about["seed"])
    chosen = seeds_of(seeds, first)
    more_dense = argument("more_dense", more_dense, int)
    if not 0 <= more_dense <= MOST_SEEDS:
        raise UserError(f"--more_dense takes a whole number from 0 on, not {more_dense}.")
    target = given.settings(to, text, label, validation, test, data_dir)
    target = {key.partition(".")[2]: value for key, value in target.items()}
    target = {**target, "train_size": train_size}
    made = _transfer(
        opened, level, target, driver, dry_run=dry_run, levels=levels, grid=grid,
        vocabulary=vocabulary, reverse=reverse, set=set,
    )  # fmt: skip
    dense_alone = range(max(chosen) + 1, max(chosen) + 1 + more_dense)
    cells = made.all_cells(chosen, dense_alone)
    # The ticket's own training tells whether this store is the one that it comes from.
    home = [] if reverse else [level.ticket]
    trainings = _trainings(made, cells, home)
    driver.require_carried(trainings.all)
    driver.require_within_reach(made.target, trainings.asked)
    if dry_run:
        before_dry_run(made.target.data, driver.store, driver.reporter)
        return driver.planned(trainings)
    from tflottery.experiments.transfer.measuring import cautions_on, compare_words, write_transfer

    source, on = (load_corpus(one.data, driver.store) for one in (made.source, made.target))
    words = compare_words(source, on, made.target.data.vocabulary_size)

    def before(realise: Realiser) -> None:
        for line in (*remarks.on_data(made, source, on, words), *remarks_on(made.target)):
            driver.reporter.say(line)
        for spec in home:
            require_same(opened, realise, spec, driver.store)

    command = program.recorded(
        "transfer", to=target["dataset"],
        ticket=_unless(str(ticket.folder if isinstance(ticket, Ticket) else ticket), "tickets"),
        model=model, seeds=_unless(seeds_recorded(chosen, first), "1"),
        more_dense=more_dense or None,
        levels=_levels_in_words(levels),
        grid=_unless(grid, "default"), vocabulary=_unless(vocabulary, "reuse"),
        train_size=_unless(train_size, 0), reverse=reverse,
        set=configuration.recorded(set, given.columns(text, label)),
        plugin=plugins.recorded(plugin),
    )  # fmt: skip
    driver.reporter.say(remarks.headline(opened))
    driver.reporter.say(opened.reservation)
    keep_vectors(made.source, driver.store)
    seen = driver.look(made.target, trainings.asked)
    done = driver.train(trainings, before)
    of_all = (*cautions_on(cells, done.realise, done.failures), *seen.cautions)
    folder = write_transfer(
        made,
        chosen,
        words,
        done.realise,
        driver.store,
        done.failures,
        command,
        of_all,
        dense_alone,
    )
    why = guard.reason_in(folder / "result.json")
    lines = dict.fromkeys((done.caution, source.caution, *of_all, why))
    cautions = tuple(filter(None, lines))
    return TransferResult(folder, done.failures, done.count, len(trainings.all), cautions)


def _unless(value: Any, default: Any) -> Any:
    """The value, or None where it is the default."""
    return None if value == default else value


def _levels_in_words(levels: Sequence[float] | str | None) -> str | None:
    if levels is None or isinstance(levels, str):
        return levels
    return ",".join(f"{level:g}" for level in levels)


def _transfer(
    ticket: Ticket,
    level: Level,
    target: Mapping[str, Any],
    driver: Driver,
    *,
    dry_run: bool,
    levels: Sequence[float] | str | None,
    grid: str,
    vocabulary: str,
    reverse: bool,
    set: Settings,
) -> Transfer:
    """The networks to compare; ``target`` has keys of ``[data]``."""
    data_dir = target.get("data_dir")
    source = dataclasses.replace(ticket.recipe, data=located(ticket.recipe.data, data_dir))
    data = {**target, "data_dir": data_dir or source.data.data_dir}
    found = recipes.retarget(source, data, assigned(set))
    looked = sources.look(found.data)
    found = dataclasses.replace(found, data=looked.settings)
    classes = len(looked.classes)
    if (source.data.fingerprint, source.data.train_size) == (
        found.data.fingerprint, found.data.train_size,
    ):  # fmt: skip
        raise UserError(
            f"The ticket was found on {target['dataset']} itself; give --to other data, or another "
            "--train_size."
        )
    encoded = encoded_for(vocabulary, source.data, found.data)
    if reverse:
        # There the target's vocabulary is the given one, unless both share one.
        own = encoded if vocabulary == "shared" else found.data
        source, found = (
            dataclasses.replace(found, data=own),
            dataclasses.replace(source, data=encoded_for(vocabulary, own, source.data)),
        )
    else:
        found = dataclasses.replace(found, data=encoded)
    there = len(ticket.classes)
    source, found = (
        driver.identify(one, many, dry_run=dry_run)
        for one, many in ((source, classes if reverse else there),
                          (found, there if reverse else classes))
    )  # fmt: skip
    return Transfer(
        source,
        found,
        ticket.pruning,
        _levels(ticket, level, levels),
        vocabulary,
        grid,
        same_classes=len(ticket.classes) == classes,
    )


def _levels(
    ticket: Ticket, level: Level, levels: Sequence[float] | str | None
) -> tuple[float, ...]:
    if levels is None:
        return (level.sparsity,)
    if levels == "all":
        plan = plans.make_plan(ticket.recipe, ticket.pruning, int(ticket.about["seed"]))
        return tuple(one.sparsity for one in plan.levels[: level.number])
    return tuple(sorted({float(one) for one in levels}))


def _trainings(transfer: Transfer, cells: Sequence[Cell], home: list[RunSpec]) -> Trainings:
    names: dict[str, str] = {}
    for cell in cells:
        name = f"{cell.mask} mask, {cell.init} weights, {100 * cell.level:.1f} %"
        names[cell.spec.key] = f"seed {cell.seed} {name if cell.level else cell.mask}"
    for cell in cells:
        for spec in ancestry([cell.spec]):
            side = "target" if spec.recipe.data == transfer.target.data else "source"
            names.setdefault(spec.key, f"seed {cell.seed} chain of tickets on the {side}")
    asked = [*home, *(cell.spec for cell in cells)]
    return Trainings(asked, lambda spec: names.get(spec.key, "the ticket"), wanted=asked)
