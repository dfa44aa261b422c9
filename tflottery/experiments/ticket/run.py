"""``find_ticket``: from labelled texts to a ticket, its verdict, and the levels on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from tflottery import plugins, status
from tflottery.data.reading import given, sources
from tflottery.data.reading.given import Data
from tflottery.errors import TrainingError, UserError
from tflottery.experiments import configuration, inspecting, scaling
from tflottery.experiments.configuration import Settings
from tflottery.experiments.driver import Driver
from tflottery.experiments.ticket import emptied
from tflottery.experiments.ticket.planned import PlannedSearch, judged_runs, names_of_runs
from tflottery.experiments.ticket.result import FoundTicket
from tflottery.experiments.ticket.writing import write_found
from tflottery.experiments.which_seeds import seeds_of
from tflottery.files import require_writable
from tflottery.plugins import Plugins
from tflottery.pruning.scopes import Scope
from tflottery.runs.encoded import load_corpus
from tflottery.runs.identifying import remarks_on
from tflottery.runs.realise import Realiser
from tflottery.runs.recipes import Recipe
from tflottery.runs.resources import LOCAL
from tflottery.runs.specs import RunSpec
from tflottery.runs.store import Store
from tflottery.settings import argument, place
from tflottery.tickets import plan as plans
from tflottery.tickets import search as searching
from tflottery.tickets import verdict as verdicts
from tflottery.tickets import words
from tflottery.tickets.evidence import by_metric, gather, terms_of
from tflottery.tickets.methods import MethodName
from tflottery.tickets.plan import Plan
from tflottery.tickets.rule import SEARCHES, read_rule
from tflottery.tickets.rules import find_rule
from tflottery.tickets.settings import AUTO, PruningSettings, require_used

if TYPE_CHECKING:
    from tflottery.progress.reporter import Reporter
    from tflottery.tickets.rule import Rule


@overload
def find_ticket(
    dataset: Data | None = ...,
    *,
    text: str = ...,
    label: str = ...,
    validation: Data | None = ...,
    test: Data | None = ...,
    data_dir: str | Path | None = ...,
    config: str | Path = ...,
    set: Settings = ...,
    model: str | None = ...,
    method: MethodName | None = ...,
    rate: float | None = ...,
    sparsity: float | Literal["auto"] | None = ...,
    init: str | None = ...,
    scope: Scope | None = ...,
    learning_rate: float | str | None = ...,
    criterion: str | None = ...,
    tolerance: float | None = ...,
    metric: str | None = ...,
    seed: int = ...,
    seeds: int | Iterable[int] | None = ...,
    store: str | Path | Store = ...,
    output: str | Path = ...,
    executor: str = ...,
    workers: int | None = ...,
    threads: int | None = ...,
    address: str = ...,
    tensorboard: str | Path = ...,
    dry_run: Literal[True],
    plugin: Plugins = ...,
    progress: bool | Reporter = ...,
) -> PlannedSearch: ...


@overload
def find_ticket(
    dataset: Data | None = ...,
    *,
    text: str = ...,
    label: str = ...,
    validation: Data | None = ...,
    test: Data | None = ...,
    data_dir: str | Path | None = ...,
    config: str | Path = ...,
    set: Settings = ...,
    model: str | None = ...,
    method: MethodName | None = ...,
    rate: float | None = ...,
    sparsity: float | Literal["auto"] | None = ...,
    init: str | None = ...,
    scope: Scope | None = ...,
    learning_rate: float | str | None = ...,
    criterion: str | None = ...,
    tolerance: float | None = ...,
    metric: str | None = ...,
    seed: int = ...,
    seeds: int | Iterable[int] | None = ...,
    store: str | Path | Store = ...,
    output: str | Path = ...,
    executor: str = ...,
    workers: int | None = ...,
    threads: int | None = ...,
    address: str = ...,
    tensorboard: str | Path = ...,
    dry_run: Literal[False] = ...,
    plugin: Plugins = ...,
    progress: bool | Reporter = ...,
) -> FoundTicket: ...


@status.said
def find_ticket(
    dataset: Data | None = None,
    *,
    text: str = "",
    label: str = "",
    validation: Data | None = None,
    test: Data | None = None,
    data_dir: str | Path | None = None,
    config: str | Path = "",
    set: Settings = (),
    model: str | None = None,
    method: MethodName | None = None,
    rate: float | None = None,
    sparsity: float | Literal["auto"] | None = None,
    init: str | None = None,
    scope: Scope | None = None,
    learning_rate: float | str | None = None,
    criterion: str | None = None,
    tolerance: float | None = None,
    metric: str | None = None,
    seed: int = 1,
    seeds: int | Iterable[int] | None = None,
    store: str | Path | Store = "runs",
    output: str | Path = "tickets",
    executor: str = "",
    workers: int | None = None,
    threads: int | None = None,
    address: str = "auto",
    tensorboard: str | Path = "",
    dry_run: bool = False,
    plugin: Plugins = (),
    progress: bool | Reporter = True,
) -> FoundTicket | PlannedSearch:
    """Trains, prunes, rewinds, trains again, judges, and writes the ticket to disk.

    The algorithm is Frankle and Carbin's (2019, arXiv 1803.03635). Levels are chosen on validation
    data, and the verdict on the one that is reported is confirmed on test data, by 95 % intervals
    (docs/verdicts.md). Trainings are kept in the store: the same call goes on after an
    interruption, and trains nothing twice.

    >>> import tflottery as tfl
    >>> found = tfl.find_ticket("toy", sparsity=0.36, seed=1)       # doctest: +SKIP
    >>> found.verdict                                               # doctest: +SKIP
    'matches'
    >>> found.intervals[["comparison", "low", "high"]]              # doctest: +SKIP

    What it would train, it says without training:

    >>> tfl.find_ticket("toy", sparsity=0.832, dry_run=True, progress=False)
    <PlannedSearch: 7 of 7 runs to train>

    Args:
        dataset: ``imdb``, ``yelp_polarity``, ``toy``, a TFDS builder, the path of a file or a
            folder, what ``register_source`` got, a DataFrame, or (texts, labels); by default what
            ``config`` names, else ``imdb``.
        text, label: the columns of a file or a DataFrame that hold them; by default ``text`` and
            ``label``.
        validation, test: of a DataFrame or lists: more of the same kind; without them a fixed part
            of ``dataset`` is held out.
        data_dir: folder of prepared TFDS data.
        config: a TOML file, or the name of a configuration; by default the one that fits data set
            and model, and where none does, the defaults scaled to the data (``scaled``).
        set: single settings, as ``{"training.epochs": 6}``; they win over all others.
        model: the architecture, ``cnn``, ``gru``, ``lstm`` or ``transformer``.
        method: ``iterative`` or ``one_shot``; or one sparse training, whose mask moves:
            ``gradual``, ``movement``, ``rigl`` or ``set`` (docs/moving_masks.md). What that finds
            is no ticket, and the verdict says so.
        rate: the fraction of the remaining weights that a round prunes, in (0, 1).
        sparsity: the fraction of the weights to prune, in [0, 1); ``auto`` goes on until two rounds
            in a row no longer match dense.
        init: what a pruned network starts from: ``original``, ``random``, ``random:carried``,
            ``random:kept``, ``rewind:STEP``, ``learning_rate_rewinding`` or ``fine_tuning``.
        scope: which weights compete (docs/scopes.md): within a tensor (``layerwise``), all together
            (``global``; with scores in their tensor's measure ``global:normalised``, ``lamp``), or
            within a tensor that keeps what its shape (``erk``) or place (``uniform+``) says; rates
            by layer are ``set={"pruning.rates": {"embedding": 0.3, "head": 0.0}}``.
        learning_rate: a number, ``auto`` for the rule that a search of rates fitted, or a rule's
            file.
        criterion: which weights to keep, as ``magnitude``, ``random`` or ``snip``, or which whole
            units, as ``filters``: any of ``tflottery.pruning.criteria``, or one that
            ``register_criterion`` got.
        tolerance: points of the metric that a ticket may be worse than dense: on validation data
            a level then still matches, on test data the verdict rests on it.
        metric: what networks are compared by on validation data, as ``macro_f1``: any of
            ``tflottery.metrics``, or one that ``register_metric`` got; by default ``accuracy``.
        seed: decides every random number.
        seeds: how many seeds, from ``seed`` on, or which; the verdict is then on their mean, and
            the ticket on disk is that of the first.
        store: where trainings are kept.
        output: the ticket goes into a folder of its own in this one.
        executor, workers, threads, address: as in ``run_study``; what is trained at a time is the
            same level with other seeds, or all of a plan that ends at a given sparsity.
        tensorboard: a folder for TensorBoard's logs of the trainings done now.
        dry_run: says what would be trained, and trains nothing.
        plugin: modules by name, or files, that register architectures, criteria, metrics or
            sources (docs/extending.md); one, or a list.
        progress: whether to say how it goes on.

    Returns:
        What was found; with ``dry_run`` the runs that it would take.

    Raises:
        UserError: the data, a setting or a place cannot be used; nothing was trained.
        TrainingError: a training gave no usable weights.
    """
    seed = argument("seed", seed, int)
    if seed < 0:
        raise UserError(f"The seed is a whole number from 0 on, not {seed}.")
    chosen_seeds = (seed,) if seeds is None else seeds_of(seeds, first=seed)
    driver = Driver(store, executor, workers, threads, address, tensorboard, progress)
    plugins.load(plugin, threads=driver.resources.threads)
    learning_rate = argument("learning_rate", learning_rate, float | str | None)
    if isinstance(learning_rate, str) and not (
        learning_rate == AUTO or Path(learning_rate).is_file()
    ):
        raise UserError(
            f"--learning_rate takes a number, {AUTO}, or a rule's file, not {learning_rate!r}."
        )
    changes = {
        **given.settings(dataset, text, label, validation, test, data_dir),
        **configuration.changes(
            model=model, method=method, rate=rate, sparsity=sparsity, init=init, scope=scope,
            criterion=criterion, tolerance=tolerance, metric=metric,
        ),
    }  # fmt: skip
    if isinstance(learning_rate, float):
        changes["training.learning_rate"] = learning_rate
    chosen = configuration.load(config, changes, set)
    require_used(chosen.pruning, chosen.set_keys)
    store = driver.store
    output = place("output", output)
    require_writable(output, "--output")
    looked = sources.look(chosen.data)
    chosen, scaled = scaling.fit(chosen, looked.settings)
    remarks = (*looked.remarks, *scaled)
    recipe = dataclasses.replace(chosen.recipe, data=looked.settings)
    recipe = driver.identify(recipe, len(looked.classes), dry_run=dry_run)
    remarks = (*remarks, *remarks_on(recipe))
    planned = tuple(plans.make_plan(recipe, chosen.pruning, one) for one in chosen_seeds)
    rule, about_rule = None, ""
    if isinstance(learning_rate, str):
        rule, about_rule = _rule(learning_rate, recipe, chosen.pruning, store)
        planned = tuple(plans.at_rates(plan, rule) for plan in planned)
    driver.require_carried([spec for plan in planned for spec in plan.specs()])
    for line in (*remarks, about_rule):
        driver.reporter.say(line)
    driver.require_within_reach(recipe, [plan.needed for plan in planned])
    if dry_run:
        inspecting.before_dry_run(recipe.data, store, driver.reporter)
        return PlannedSearch(planned, store, names_of_runs(planned))
    return search_and_write(planned, recipe, rule, driver, output, remarks)


def search_and_write(
    planned: Sequence[Plan],
    recipe: Recipe,
    rule: Rule | None,
    driver: Driver,
    output: Path,
    remarks: tuple[str, ...] = (),
) -> FoundTicket:
    """Walks plans, one a seed, judges, and writes the ticket that they end with.

    Args:
        planned: what to train.
        recipe: what the plans were made of.
        rule: what set their learning rates, if one did.
        driver: where trainings run and are kept, and where it is said how they go on.
        output: the ticket goes into a folder of its own in this one.
        remarks: what was assumed or left out in reading the data.

    Raises:
        TrainingError: a training gave no usable weights.
    """
    seen = driver.look(recipe, [plan.needed for plan in planned])
    names = names_of_runs(planned)
    settings = planned[0].settings

    def label(spec: RunSpec) -> str:
        return names[spec.key]

    # The results decide which reinit is trained; it is always one a seed.
    total = sum(len(judged_runs(plan)) + 1 for plan in planned)
    view, observer = driver.watch(label, total, may_end_early=planned[0].is_open)
    with view:
        realise = Realiser(driver.store, [spec for p in planned for spec in p.specs()], observer)

        def train(specs: Sequence[RunSpec]) -> None:
            # Where one training follows the other the search asks for them in its own order.
            if driver.resources.executor != LOCAL and (failed := driver.execute(specs, realise)):
                key, reason = next(iter(failed.items()))
                raise TrainingError(f"{names[key]}: {reason}")

        worth = by_metric(settings.metric, realise.predictions)
        outcomes = searching.search(planned, realise, worth=worth, train=train)
        corpus = load_corpus(recipe.data, driver.store)
        held_out = gather(outcomes, corpus, realise.predictions)
        judged = verdicts.give(*held_out, terms_of(settings), outcomes[0].reported.matches)
        of_levels = emptied.cautions(outcomes)
        cautions = tuple(
            filter(None, (view.caution, *of_levels, *seen.cautions, *words.cautions(judged)))
        )
        ticket = write_found(output, outcomes, judged, recipe, rule, realise, corpus, cautions)
    return FoundTicket(
        outcomes, judged, ticket, rule, cautions, view.trained, driver.store, remarks
    )


def _rule(
    given_rule: str, recipe: Recipe, pruning: PruningSettings, store: Store
) -> tuple[Rule, str]:
    """The rule that ``learning_rate`` names, and a line on it."""

    if given_rule != AUTO:
        return read_rule(Path(given_rule))[0], f"Rule: {given_rule}, as given."
    places = (store.root / SEARCHES, configuration.folder() / "rules")
    return find_rule(recipe, pruning, places)
