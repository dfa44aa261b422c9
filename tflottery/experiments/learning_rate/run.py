"""``tune_learning_rate``: which rate is best for a ticket, or for dense and every sparsity."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from tflottery import plugins, program, startup, status
from tflottery.data.look.inspection import inspect_encoded
from tflottery.data.reading import given, sources
from tflottery.data.reading.given import Data
from tflottery.errors import UserError
from tflottery.experiments import configuration, guard, scaling
from tflottery.experiments.configuration import Settings
from tflottery.experiments.driver import Driver, PlannedTrainings, Trainings
from tflottery.experiments.inspecting import before_dry_run
from tflottery.experiments.learning_rate import roles
from tflottery.experiments.learning_rate.design import HYPERBAND, Trial, Tuning, require_used
from tflottery.experiments.learning_rate.finished import TuningResult
from tflottery.experiments.which_seeds import seeds_of, seeds_recorded
from tflottery.plugins import Plugins
from tflottery.report.numbers import count_of
from tflottery.runs.encoded import load_corpus
from tflottery.runs.identifying import remarks_on
from tflottery.runs.realise import Realiser
from tflottery.runs.resources import LOCAL
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.runs.store import Store
from tflottery.settings import argument
from tflottery.tickets.given import level_of, located, require_same, ticket_asked_for
from tflottery.tickets.plan import Level
from tflottery.tickets.ticket import Ticket

if TYPE_CHECKING:
    from tflottery.progress.reporter import Reporter

# keras-tuner's projects, in the store.
_PROJECTS = "keras_tuner"
_NO_CURVE = (
    "Hyperband goes on from the weights of shorter trainings: good for finding a rate soon, not "
    "for curves or rules."
)


@overload
def tune_learning_rate(
    ticket: str | Path | Ticket | None = ..., *, dry_run: Literal[True], **flags: Any
) -> PlannedTrainings: ...


@overload
def tune_learning_rate(
    ticket: str | Path | Ticket | None = ...,
    *,
    dataset: Data | None = ...,
    text: str = ...,
    label: str = ...,
    validation: Data | None = ...,
    test: Data | None = ...,
    data_dir: str | Path | None = ...,
    config: str | Path = ...,
    set: Settings = ...,
    model: str | None = ...,
    levels: Sequence[float] | None = ...,
    arms: Sequence[str] | None = ...,
    seeds: int | Iterable[int] = ...,
    tuner: str | None = ...,
    trials: int | None = ...,
    metric: str | None = ...,
    store: str | Path | Store = ...,
    executor: str = ...,
    workers: int | None = ...,
    threads: int | None = ...,
    address: str = ...,
    tensorboard: str | Path = ...,
    dry_run: Literal[False] = ...,
    plugin: Plugins = ...,
    progress: bool | Reporter = ...,
) -> TuningResult: ...


@status.said  # type: ignore[misc]  # the first overload leaves its flags to this one
def tune_learning_rate(
    ticket: str | Path | Ticket | None = None,
    *,
    dataset: Data | None = None,
    text: str = "",
    label: str = "",
    validation: Data | None = None,
    test: Data | None = None,
    data_dir: str | Path | None = None,
    config: str | Path = "",
    set: Settings = (),
    model: str | None = None,
    levels: Sequence[float] | None = None,
    arms: Sequence[str] | None = None,
    seeds: int | Iterable[int] = 1,
    tuner: str | None = None,
    trials: int | None = None,
    metric: str | None = None,
    store: str | Path | Store = "runs",
    executor: str = "",
    workers: int | None = None,
    threads: int | None = None,
    address: str = "auto",
    tensorboard: str | Path = "",
    dry_run: bool = False,
    plugin: Plugins = (),
    progress: bool | Reporter = True,
) -> TuningResult | PlannedTrainings:
    """Searches the learning rate of a ticket, or of a configuration's networks, with keras-tuner.

    Every trial is a training of the store, and every network gets the same space and as many
    trials. A search of a configuration that tries a grid also fits a rule: the rate for a sparsity.

    >>> import tflottery as tfl
    >>> tuned = tfl.tune_learning_rate("tickets", seeds=2)    # doctest: +SKIP
    >>> tuned.trials.groupby("learning_rate")["val_accuracy"].mean()    # doctest: +SKIP
    >>> planned = tfl.tune_learning_rate(config="tune_toy", dry_run=True, progress=False)
    >>> len(planned.runs)
    26

    Args:
        ticket: a ticket, its folder, or a folder of tickets: its newest one. Without it, and with
            neither ``dataset``, ``model`` nor ``config``, the newest one in ``tickets``.
        dataset, text, label, validation, test, data_dir, config, set, model: as in
            ``find_ticket``; a ticket brings its own data and network.
        levels: sparsities in [0, 1), of which 0 is dense; by default as configured, or dense and
            the ticket's own.
        arms: ``ticket``, ``reinit``, ``late``; by default as configured.
        seeds: how many, from 1 or from the ticket's on; or which. A trial is judged by the median
            over them.
        tuner: ``grid``, ``random``, ``bayesian`` or ``hyperband``.
        trials: of each network, for ``random`` and ``bayesian``.
        metric: what trials are judged by on validation data, as ``macro_f1``; by default
            ``accuracy``. Masks are found as configured.
        store, executor, workers, threads, address, tensorboard, dry_run, plugin, progress: as
            in ``run_study``; several workers go with a grid.

    Returns:
        What the search gave; trainings that failed are among it (``failures``). With ``dry_run``
        the trainings that it would take.

    Raises:
        UserError: the ticket, the data or a setting cannot be used; nothing was trained.
        TrainingError: in a search by several processes, the chief is gone.
    """
    role = roles.role()
    driver = Driver(store, executor, workers, threads, address, tensorboard, progress)
    plugins.load(plugin, threads=driver.resources.threads)
    own = configuration.changes(
        levels=argument("levels", levels, tuple[float, ...] | None),
        arms=argument("arms", arms, tuple[str, ...] | None), tuner=tuner, trials=trials,
    )  # fmt: skip
    if metric is not None:
        own["tuning.metric"] = metric
    opened = ticket_asked_for(ticket, dataset, model, config)
    level = None
    if opened is None:
        data = given.settings(dataset, text, label, validation, test, data_dir)
        tuning, classes, remarks = _of_configuration(
            config, {**data, **configuration.changes(model=model), **own}, set
        )
        first = 1
    else:
        level = level_of(opened)
        tuning = _of_ticket(opened, level, data_dir, config, own, set)
        classes, remarks = len(opened.classes), ()
        first = int(opened.about["seed"])
    chosen = seeds_of(seeds, first)
    beforehand = driver.resources.executor != LOCAL
    if beforehand and (tuning.settings.tuner != "grid" or role != roles.ALONE):
        raise UserError(
            "Only a grid is known beforehand: --executor and --workers go with --tuner grid in one "
            "process; docs/learning_rates.md says how several processes search."
        )
    tuning = dataclasses.replace(
        tuning, recipe=driver.identify(tuning.recipe, classes, dry_run=dry_run)
    )
    if opened is None:
        for line in (*remarks, *remarks_on(tuning.recipe)):
            driver.reporter.say(line)
    if beforehand:
        driver.require_carried(tuning.specs_of_grid(chosen))
    if tuning.settings.tuner == HYPERBAND:
        driver.reporter.say(_NO_CURVE)
    if dry_run:
        before_dry_run(tuning.recipe.data, driver.store, driver.reporter)
        return _planned(driver, tuning, chosen)
    if opened is not None:
        driver.reporter.say(opened.reservation)
    command = program.recorded(
        "tune_lr",
        ticket=opened and str(opened.folder),
        dataset=None if dataset is None else tuning.recipe.data.dataset,
        config=config,
        model=model,
        levels=None if levels is None else ",".join(f"{one:g}" for one in tuning.settings.levels),
        arms=None if arms is None else ",".join(tuning.settings.arms),
        seeds=None if chosen == (first,) else seeds_recorded(chosen, first),
        tuner=tuner,
        trials=trials,
        metric=metric,
        set=configuration.recorded(set, given.columns(text, label)),
        plugin=plugins.recorded(plugin),
    )
    return _search(driver, role, tuning, chosen, opened, level, command)


def _of_ticket(
    ticket: Ticket,
    level: Level,
    data_dir: str | Path | None,
    config: str | Path,
    own: Mapping[str, Any],
    settings: Settings,
) -> Tuning:
    data = located(ticket.recipe.data, data_dir)
    changes = {"tuning.levels": [0.0, level.sparsity], **own}
    space = configuration.load_tuning(config, changes, settings)
    require_used(space, {*own, *configuration.assigned(settings)})
    return Tuning(dataclasses.replace(ticket.recipe, data=data), ticket.pruning, space)


def _of_configuration(
    config: str | Path, changes: Mapping[str, Any], settings: Settings
) -> tuple[Tuning, int, tuple[str, ...]]:
    """What is searched, of how many classes, and lines on how the data were read and what was
    scaled to them."""
    chosen = configuration.load(config, changes, settings)
    require_used(chosen.tuning, chosen.set_keys)
    looked = sources.look(chosen.data)
    chosen, scaled = scaling.fit(chosen, looked.settings)
    recipe = dataclasses.replace(chosen.recipe, data=looked.settings)
    tuning = Tuning(recipe, chosen.pruning, chosen.tuning)
    return tuning, len(looked.classes), (*looked.remarks, *scaled)


def _planned(driver: Driver, tuning: Tuning, seeds: Sequence[int]) -> PlannedTrainings:
    before = (
        f"{len(tuning.cells)} networks x {tuning.trials_a_cell} trials x {len(seeds)} seeds, "
        f"beside {count_of(len(tuning.specs_of_masks(seeds)), 'training')} for masks alone."
    )
    if tuning.settings.tuner == "grid":
        specs = ancestry(tuning.specs_of_grid(seeds))
        return driver.planned(Trainings(specs, _no_name, wanted=specs), before)
    words = f"At most {tuning.most(seeds)} trainings; the search decides which values it tries."
    known = Trainings(tuning.specs_of_masks(seeds), _no_name)
    return PlannedTrainings(known, driver.store, f"{before} {words}")


def _no_name(spec: RunSpec) -> str:
    return f"trained at {spec.recipe.training.learning_rate:g}"


def _search(
    driver: Driver,
    role: str,
    tuning: Tuning,
    seeds: Sequence[int],
    ticket: Ticket | None,
    level: Level | None,
    command: str,
) -> TuningResult:
    """Goes through the search, or serves it, or works for it, as this process' role is."""
    driver.prepare()
    startup.start_tensorflow()
    from tflottery.experiments.learning_rate.measuring import name_of, write_tuning
    from tflottery.experiments.learning_rate.search import Search

    names: dict[str, str] = {}

    def on_trial(trial: Trial) -> None:
        named = ", ".join(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
                          for name, value in trial.values.items())  # fmt: skip
        for seed in seeds:
            key = tuning.spec(trial, seed).key
            names[key] = f"seed {seed} {trial.cell.name} {named}"

    def label(spec: RunSpec) -> str:
        return names.get(spec.key, "finding masks")

    store = driver.store
    home = [level.ticket] if level else []
    untuned = [tuning.untuned(cell, seed) for cell in tuning.cells for seed in seeds]
    view, observer = driver.watch(label, tuning.most(seeds), may_end_early=True)
    seen = (
        inspect_encoded(tuning.recipe.data, store.data_folder())
        if role == roles.WORKER
        else driver.look(tuning.recipe, untuned)
    )
    corpus = load_corpus(tuning.recipe.data, store)
    project = store.root / _PROJECTS / name_of(tuning, corpus.name)
    realise = Realiser(store, [*home, *untuned], observer)
    searching = Search(tuning, seeds, realise, project, on_trial)
    if role != roles.ALONE:
        driver.reporter.say(roles.place(role))
    # Another search of these networks, with other seeds say, would begin the project anew under
    # this one, so it waits.
    with nullcontext() if role == roles.WORKER else store.lock(project.name):
        if role == roles.CHIEF:
            searching.run()
        else:
            with view:
                if ticket and level:
                    require_same(ticket, realise, level.ticket, store)
                if driver.resources.executor != LOCAL:
                    for trial in tuning.grid:
                        on_trial(trial)
                    driver.execute(tuning.specs_of_grid(seeds), realise)
                searching.run()
        failures = searching.reasons()
    cautions = tuple(filter(None, (view.caution, *seen.cautions)))
    if role == roles.WORKER:
        return TuningResult(None, failures, view.trained, cautions)
    about = {
        "command": command,
        "ticket": ticket.folder.name if ticket else "",
        "cautions": [line for line in seen.cautions if line != corpus.caution],
    }
    folder = write_tuning(tuning, seeds, searching.trials, realise, store, failures, about)
    cautions = (*cautions, *filter(None, [guard.reason_in(folder / "tuning.json")]))
    return TuningResult(folder, failures, view.trained, cautions)
