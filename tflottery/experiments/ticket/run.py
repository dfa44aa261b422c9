"""``find_ticket``: from labelled texts to a ticket, its verdict, and the levels on the way."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from tflottery import startup
from tflottery.data import given, sources
from tflottery.data.given import Data
from tflottery.errors import UserError
from tflottery.experiments import configuration, scaling
from tflottery.experiments.configuration import Settings
from tflottery.experiments.ticket.result import FoundTicket, PlannedSearch, write_found
from tflottery.files import require_writable
from tflottery.runs.encoded import load_corpus
from tflottery.runs.realise import Realiser
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.runs.store import Store
from tflottery.settings import argument, count, place
from tflottery.tickets import plan as plans
from tflottery.tickets import search as searching
from tflottery.tickets.plan import AUTO, Plan, PruningSettings
from tflottery.tickets.rule import SEARCHES, read_rule
from tflottery.tickets.rules import find_rule

if TYPE_CHECKING:
    from tflottery.progress import Reporter
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
    method: Literal["iterative", "one_shot"] | None = ...,
    rate: float | None = ...,
    sparsity: float | Literal["auto"] | None = ...,
    init: str | None = ...,
    scope: Literal["layerwise", "global"] | None = ...,
    learning_rate: float | str | None = ...,
    criterion: str | None = ...,
    tolerance: float | None = ...,
    seed: int = ...,
    store: str | Path | Store = ...,
    output: str | Path = ...,
    tensorboard: str | Path = ...,
    dry_run: Literal[True],
    threads: int | None = ...,
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
    method: Literal["iterative", "one_shot"] | None = ...,
    rate: float | None = ...,
    sparsity: float | Literal["auto"] | None = ...,
    init: str | None = ...,
    scope: Literal["layerwise", "global"] | None = ...,
    learning_rate: float | str | None = ...,
    criterion: str | None = ...,
    tolerance: float | None = ...,
    seed: int = ...,
    store: str | Path | Store = ...,
    output: str | Path = ...,
    tensorboard: str | Path = ...,
    dry_run: Literal[False] = ...,
    threads: int | None = ...,
    progress: bool | Reporter = ...,
) -> FoundTicket: ...


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
    method: Literal["iterative", "one_shot"] | None = None,
    rate: float | None = None,
    sparsity: float | Literal["auto"] | None = None,
    init: str | None = None,
    scope: Literal["layerwise", "global"] | None = None,
    learning_rate: float | str | None = None,
    criterion: str | None = None,
    tolerance: float | None = None,
    seed: int = 1,
    store: str | Path | Store = "runs",
    output: str | Path = "tickets",
    tensorboard: str | Path = "",
    dry_run: bool = False,
    threads: int | None = None,
    progress: bool | Reporter = True,
) -> FoundTicket | PlannedSearch:
    """Trains, prunes, rewinds, trains again, judges, and writes the ticket to disk.

    The algorithm is Frankle and Carbin's (2019, arXiv 1803.03635). Whatever is decided is decided
    on validation data; test accuracies are measured once, at the end of each training. Trainings
    are kept in the store: the same call goes on after an interruption, and trains nothing twice.

    >>> import tflottery as tfl
    >>> found = tfl.find_ticket("toy", sparsity=0.36, seed=1)       # doctest: +SKIP
    >>> found.verdict                                               # doctest: +SKIP
    'winning ticket'

    What it would train, it says without training:

    >>> tfl.find_ticket("toy", sparsity=0.832, dry_run=True, progress=False)
    <PlannedSearch: 7 of 7 runs to train>

    Args:
        dataset: ``imdb``, ``yelp_polarity``, ``toy``, a TFDS builder, the path of a file or a
            folder, a DataFrame, or (texts, labels); by default what ``config`` names, else
            ``imdb``.
        text, label: the columns of a file or a DataFrame that hold them; by default ``text`` and
            ``label``.
        validation, test: of a DataFrame or lists: more of the same kind; without them a fixed part
            of ``dataset`` is held out.
        data_dir: folder of prepared TFDS data.
        config: a TOML file, or the name of a configuration; by default the one that fits data set
            and model, and where none does, the defaults scaled to the data (``scaled``).
        set: single settings, as ``{"training.epochs": 6}``; they win over all others.
        model: the architecture, as ``cnn`` or ``lstm``.
        method: ``iterative`` or ``one_shot``.
        rate: the fraction of the remaining weights that a round prunes, in (0, 1).
        sparsity: the fraction of the weights to prune, in [0, 1); ``auto`` goes on until two rounds
            in a row no longer match dense.
        init: what a pruned network starts from: ``original``, ``random``, ``rewind:STEP`` or
            ``finetune``.
        scope: weights compete within a layer (``layerwise``) or all together (``global``).
        learning_rate: a number, ``auto`` for the rule that a search of rates fitted, or a rule's
            file.
        criterion: which weights to keep: ``magnitude``, ``random``, or ``filters`` for whole units.
        tolerance: points of validation accuracy below dense that still match.
        seed: decides every random number.
        store: where trainings are kept.
        output: the ticket goes into a folder of its own in this one.
        tensorboard: a folder for TensorBoard's logs of the trainings done now.
        dry_run: says what would be trained, and trains nothing.
        threads: of TensorFlow; equal bits need equal numbers.
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
    threads = count("threads", threads)
    learning_rate = argument("learning_rate", learning_rate, float | str | None)
    if isinstance(learning_rate, str) and not (
        learning_rate == AUTO or Path(learning_rate).is_file()
    ):
        raise UserError(
            f"learning_rate takes a number, {AUTO!r}, or a rule's file, not {learning_rate!r}."
        )
    changes = {
        **given.settings(dataset, text, label, validation, test, data_dir),
        **configuration.changes(
            model=model, method=method, rate=rate, sparsity=sparsity, init=init, scope=scope,
            criterion=criterion, tolerance=tolerance,
        ),
    }  # fmt: skip
    if isinstance(learning_rate, float):
        changes["training.learning_rate"] = learning_rate
    chosen = configuration.load(config, changes, set)
    store = Store.of(store)
    output = place("output", output)
    require_writable(output, "--output")
    looked = sources.look(chosen.data)
    chosen, scaled = scaling.fit(chosen, looked.settings)
    remarks = (*looked.remarks, *scaled)
    recipe = dataclasses.replace(chosen.recipe, data=looked.settings)
    plan = plans.make_plan(recipe, chosen.pruning, seed)
    rule, about_rule = None, ""
    if isinstance(learning_rate, str):
        rule, about_rule = _rule(learning_rate, recipe, chosen.pruning, store)
        plan = plans.at_rates(plan, rule)
    # Takes a fifth of a second, which a user's mistake need not wait for.
    from tflottery.progress import Reporter

    reporter = Reporter.of(progress)
    for line in (*remarks, about_rule):
        reporter.say(line)
    if dry_run:
        return PlannedSearch(plan, store, names_of_runs(plan))
    startup.use_threads(threads)
    return search_and_write(plan, recipe, rule, store, output, seed, reporter, tensorboard, remarks)


def search_and_write(
    plan: Plan,
    recipe: Recipe,
    rule: Rule | None,
    store: Store,
    output: Path,
    seed: int,
    reporter: Reporter,
    tensorboard: str | Path = "",
    remarks: tuple[str, ...] = (),
) -> FoundTicket:
    """Walks a plan and writes the ticket that it ends with.

    Args:
        plan: what to train.
        recipe: what the plan was made of.
        rule: what set its learning rates, if one did.
        store: where trainings are kept.
        output: the ticket goes into a folder of its own in this one.
        seed: of the plan.
        reporter: is told how it goes on.
        tensorboard: a folder for TensorBoard's logs; empty for none.
        remarks: what was assumed or left out in reading the data.
    """
    from tflottery.runs.tensorboard import observers

    require_writable(store.root, "--store")
    names = names_of_runs(plan)

    def label(spec: RunSpec) -> str:
        return names[spec.key]

    # The results decide which reinit is trained; it is always one.
    view = reporter.watch(label, len(judged_runs(plan)) + 1, may_end_early=plan.is_open)
    observer = observers(view, str(tensorboard), label)
    with view:
        realise = Realiser(store, plan.specs(), observer)
        outcome = searching.search(plan, realise)
        corpus = load_corpus(recipe.data, store)
        ticket = write_found(output, outcome, recipe, rule, realise, corpus, seed)
    cautions = tuple(filter(None, (view.caution, corpus.caution)))
    return FoundTicket(outcome, ticket, rule, cautions, view.trained, store, remarks)


def judged_runs(plan: Plan) -> list[RunSpec]:
    """The networks of a plan but reinits; where judged ones have rates of their own, also the chain
    that finds their masks."""
    return ancestry([plan.dense, *(level.ticket for level in plan.levels)])


def names_of_runs(plan: Plan) -> dict[str, str]:
    """What each run of a plan is called, by key."""
    # Parents first: a key asks for those of all ancestors, and a chain may be longer than Python's
    # stack.
    ancestry(plan.specs())
    names = {plan.dense.key: "dense"}
    for level in plan.levels:
        names[level.ticket.key] = f"round {level.number}"
        names.setdefault(level.reinit.key, f"reinit of round {level.number}")
    for level in plan.levels:
        for spec in ancestry([level.ticket]):
            names.setdefault(spec.key, f"mask of round {level.number}")
    return names


def _rule(
    given_rule: str, recipe: Recipe, pruning: PruningSettings, store: Store
) -> tuple[Rule, str]:
    """The rule that ``learning_rate`` names, and a line on it."""

    if given_rule != AUTO:
        return read_rule(Path(given_rule))[0], f"Rule: {given_rule}, as given."
    places = (store.root / SEARCHES, configuration.folder() / "rules")
    return find_rule(recipe, pruning, places)
