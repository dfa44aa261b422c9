"""``run_study``: methods, initialisations and sparsities compared over seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from tflottery import plugins, program, status
from tflottery.data.reading import given, sources
from tflottery.data.reading.given import Data
from tflottery.experiments import configuration, guard, inspecting, scaling
from tflottery.experiments.configuration import Settings
from tflottery.experiments.driver import Driver, PlannedTrainings, Trainings
from tflottery.experiments.study import comparison
from tflottery.experiments.study.design import Study
from tflottery.experiments.study.finished import StudyResult
from tflottery.experiments.which_seeds import seeds_of, seeds_recorded
from tflottery.plugins import Plugins
from tflottery.runs.identifying import remarks_on
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.runs.store import Store
from tflottery.tickets.given import ticket_asked_for
from tflottery.tickets.ticket import Ticket

if TYPE_CHECKING:
    from tflottery.progress.reporter import Reporter


@overload
def run_study(
    config: str | Path = ..., *, dry_run: Literal[True], **flags: Any
) -> PlannedTrainings: ...


@overload
def run_study(
    config: str | Path = ...,
    *,
    ticket: str | Path | Ticket | None = ...,
    seeds: int | Iterable[int] = ...,
    dataset: Data | None = ...,
    text: str = ...,
    label: str = ...,
    validation: Data | None = ...,
    test: Data | None = ...,
    data_dir: str | Path | None = ...,
    set: Settings = ...,
    model: str | None = ...,
    store: str | Path | Store = ...,
    executor: str = ...,
    workers: int | None = ...,
    threads: int | None = ...,
    address: str = ...,
    tensorboard: str | Path = ...,
    dry_run: Literal[False] = ...,
    plugin: Plugins = ...,
    progress: bool | Reporter = ...,
) -> StudyResult: ...


@status.said  # type: ignore[misc]  # the first overload leaves its flags to this one
def run_study(
    config: str | Path = "",
    *,
    ticket: str | Path | Ticket | None = None,
    seeds: int | Iterable[int] = 3,
    dataset: Data | None = None,
    text: str = "",
    label: str = "",
    validation: Data | None = None,
    test: Data | None = None,
    data_dir: str | Path | None = None,
    set: Settings = (),
    model: str | None = None,
    store: str | Path | Store = "runs",
    executor: str = "",
    workers: int | None = None,
    threads: int | None = None,
    address: str = "auto",
    tensorboard: str | Path = "",
    dry_run: bool = False,
    plugin: Plugins = (),
    progress: bool | Reporter = True,
) -> StudyResult | PlannedTrainings:
    """Compares one-shot and iterative pruning from every initialisation, over seeds.

    What a study holds is in ``[study]`` of its configuration (``StudySettings``). Trainings are
    kept in the store: the same call goes on after an interruption, and trains nothing twice.

    >>> import tflottery as tfl
    >>> study = tfl.run_study("study_toy", seeds=2, workers=2)    # doctest: +SKIP
    >>> study.cells.groupby("init")["test_accuracy"].mean()       # doctest: +SKIP
    >>> planned = tfl.run_study("study_toy", seeds=2, dry_run=True, progress=False)
    >>> len(planned.runs)
    84

    Args:
        config: a TOML file, or the name of a configuration.
        ticket: a ticket, its folder, or a folder of tickets: its newest one. The study is of its
            data and network then, pruned as it was. Without it, and with neither ``config``,
            ``dataset`` nor ``model``, the newest one in ``tickets``.
        seeds: how many, from 1 on; or which, as ``range(4, 14)``.
        dataset, text, label, validation, test, data_dir, set, model: as in ``find_ticket``.
        store: where trainings and the study's tables are kept.
        executor: ``local`` (one training after the other), ``processes`` or ``ray``; by default
            ``local``, and ``processes`` where ``workers`` is given.
        workers: trainings at a time.
        threads: of each training; equal bits need equal numbers.
        address: of the Ray cluster.
        tensorboard: a folder for TensorBoard's logs of the trainings done now.
        dry_run: says what would be trained, and trains nothing.
        plugin: as in ``find_ticket``.
        progress: whether to say how it goes on.

    Returns:
        What the study gave; trainings that failed are among it (``failures``). With ``dry_run`` the
        trainings that it would take.

    Raises:
        UserError: the data, a setting or a place cannot be used; nothing was trained.
    """
    driver = Driver(store, executor, workers, threads, address, tensorboard, progress)
    plugins.load(plugin, threads=driver.resources.threads)
    chosen_seeds = seeds_of(seeds)
    opened = ticket_asked_for(ticket, dataset, model, config)
    if opened is None:
        changes = {
            **given.settings(dataset, text, label, validation, test, data_dir),
            **configuration.changes(model=model),
        }
        chosen = configuration.load(config, changes, set)
    else:
        chosen = configuration.for_ticket(opened, data_dir, config, set)
    looked = sources.look(chosen.data)
    chosen, scaled = scaling.fit(chosen, looked.settings)
    recipe = dataclasses.replace(chosen.recipe, data=looked.settings)
    study = Study(chosen.name, recipe, chosen.pruning, chosen.study, chosen_seeds)
    recipe = driver.identify(recipe, len(looked.classes), dry_run=dry_run)
    study = dataclasses.replace(study, recipe=recipe)
    from tflottery.experiments.study.measuring import write_study
    from tflottery.experiments.study.results import cautions_in

    trainings = _trainings(study)
    driver.require_carried(trainings.all)
    remarks = (*looked.remarks, *scaled, *remarks_on(recipe), *study.remarks)
    for line in remarks:
        driver.reporter.say(line)
    driver.require_within_reach(recipe, trainings.asked)
    if dry_run:
        inspecting.before_dry_run(recipe.data, driver.store, driver.reporter)
        return driver.planned(trainings)
    command = program.recorded(
        "study", ticket=opened and str(opened.folder), config=config,
        dataset=None if dataset is None else chosen.data.dataset, model=model,
        seeds=seeds_recorded(chosen_seeds),
        set=configuration.recorded(set, given.columns(text, label)),
        plugin=plugins.recorded(plugin),
    )  # fmt: skip
    seen = driver.look(recipe, trainings.asked)
    done = driver.train(trainings)
    folder = write_study(study, done.realise, driver.store, done.failures, command, seen)
    why = guard.reason_in(folder / "study.json")
    collapses = [line for line in cautions_in(folder) if line not in (*remarks, *seen.cautions)]
    cautions = tuple(filter(None, (*remarks, done.caution, *collapses, *seen.cautions, why)))
    return StudyResult(folder, done.failures, done.count, len(trainings.all), cautions)


def _trainings(study: Study) -> Trainings:
    names: dict[str, str] = {}
    for seed in study.all_seeds:
        for cell in study.cells(seed):
            what = f" {cell.mask}" if cell.part == comparison.PART else ""
            name = f"seed {seed} {cell.method}{what} {cell.level:g} {cell.init}"
            for spec in ancestry([cell.spec]):
                names.setdefault(spec.key, name)
        for point, *pair in study.pairs(seed):
            names.update({spec.key: f"seed {seed} data order from {point}" for spec in pair})

    def label(spec: RunSpec) -> str:
        return names.get(spec.key, "ancestor")

    return Trainings(
        asked=[spec for seed in study.all_seeds for spec in study.specs(seed)],
        label=label,
        wanted=[spec for seed in study.all_seeds for spec in study.wanted(seed)],
    )
