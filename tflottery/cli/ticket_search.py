"""What ``find_ticket`` does: the plan, the hunt, the ticket, and what the user reads of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from absl import flags
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tflottery import config, lottery
from tflottery.cli import COMMANDS
from tflottery.cli import flags as common
from tflottery.cli.progress import open_console, time_for, watch
from tflottery.cli.tensorboard import observers
from tflottery.data import sources
from tflottery.data.corpus import Corpus
from tflottery.data.tfds_source import ALIASES
from tflottery.experiments.learning_rate.results import TUNINGS
from tflottery.experiments.learning_rate.rule import Rule, read_rule
from tflottery.experiments.learning_rate.rules import find_rule
from tflottery.files import require_writable
from tflottery.lottery import Outcome, Plan, PruningSettings, Round
from tflottery.runs.realise import Realiser, load_corpus
from tflottery.runs.specs import Pruned, Recipe, RunSpec, ancestry
from tflottery.runs.store import Run, Store
from tflottery.tickets import Ticket, write_ticket
from tflottery.training import steps


def search(values: flags.FlagValues) -> None:
    """Finds a ticket as the flags say, writes it and shows what was found."""
    seed = common.whole_number(values, "seed")
    chosen = config.load(values.config or "", common.overrides(values), values.set)
    store = Store(Path(values.store))
    require_writable(Path(values.output), "--output")
    recipe = dataclasses.replace(chosen.recipe, data=sources.identify(chosen.data))
    plan = lottery.make_plan(recipe, chosen.pruning, seed)
    console = open_console()
    rule = None
    if found := _rule(values, recipe, chosen.pruning, store):
        rule, about = found
        plan = lottery.at_rates(plan, rule)
        console.print(about, soft_wrap=True)
    if values.dry_run:
        _show_plan(console, plan, store)
        return
    ticket = find(console, plan, recipe, rule, store, Path(values.output), seed, values.tensorboard)
    for line in _next_steps(ticket):
        console.print(line, soft_wrap=True)


def find(
    console: Console,
    plan: Plan,
    recipe: Recipe,
    rule: Rule | None,
    store: Store,
    output: Path,
    seed: int,
    tensorboard: str = "",
) -> Ticket:
    """Walks a plan, shows how that goes and what came out, and writes the ticket.

    ``recipe`` is what the plan was made of, ``rule`` what said its learning rates, if one did.
    """
    labels = _labels(plan)
    total = len(_tickets(plan)) + 1  # and the reinit of one of them

    def label(spec: RunSpec) -> str:
        return labels[spec.key]

    view = watch(console, label, total, may_end_early=plan.is_open)
    observer = observers(view, tensorboard, label)
    with view:
        realise = Realiser(store, plan.specs(), observer)
        outcome = lottery.hunt(plan, realise)
        corpus = load_corpus(recipe.data, store)
        ticket = _write(output, outcome, recipe, rule, realise, corpus, seed)
    console.print(_table(outcome), soft_wrap=True)
    console.print(_sentence(outcome))
    if rule:
        console.print(_rates(ticket, outcome, rule), soft_wrap=True)
    if view.caution:
        console.print(view.caution, soft_wrap=True)
    if corpus.caution:
        console.print(corpus.caution)
    if not view.trained:
        console.print(f"Trained nothing: every run was in {store.root}/ already.")
    return ticket


def _rule(
    values: flags.FlagValues, recipe: Recipe, pruning: PruningSettings, store: Store
) -> tuple[Rule, str] | None:
    """The rule that ``--learning_rate`` asks for, and a line on it."""
    given = common.learning_rate(values)
    if not isinstance(given, str):
        return None
    if given != common.AUTO:
        return read_rule(Path(given))[0], f"Rule: {given}, as given."
    places = (store.root / TUNINGS, config.config_folder() / "rules")
    return find_rule(recipe, pruning, places)


def _tickets(plan: Plan) -> list[RunSpec]:
    """The networks of the plan but reinits, and where the judged ones have rates of their own, also
    the chain that finds their masks."""
    return ancestry([plan.dense, *(level.ticket for level in plan.levels)])


def _labels(plan: Plan) -> dict[str, str]:
    labels = {plan.dense.key: "dense"}
    for level in plan.levels:
        labels[level.ticket.key] = f"round {level.number}"
        labels.setdefault(level.reinit.key, f"reinit of round {level.number}")
    for level in plan.levels:
        for spec in ancestry([level.ticket]):
            labels.setdefault(spec.key, f"mask of round {level.number}")
    return labels


def _show_plan(console: Console, plan: Plan, store: Store) -> None:
    labels = _labels(plan)
    realise = Realiser(store, plan.specs())
    tickets = _tickets(plan)
    reinits = [spec for spec in plan.specs() if spec not in tickets]
    # Which reinit an open plan trains, its results decide; it is one in any case.
    shown = tickets if plan.is_open else tickets + reinits
    done = [spec for spec in shown if realise.is_done(spec)]
    for spec in shown:
        state = "in the store" if spec in done else "to train"
        console.print(f"{spec.key[:12]}  {labels[spec.key]:<20} {state}")
    count = len(shown) - len(done) + plan.is_open
    # Every training of a plan has the epochs of the dense one.
    time = time_for(count * plan.dense.recipe.training.epochs, done, store)
    limit = "at most " if plan.is_open else ""
    console.print(f"To train: {limit}{count} of {len(tickets) + 1} runs; {time}.")


def _write(
    output: Path,
    outcome: Outcome,
    recipe: Recipe,
    rule: Rule | None,
    realise: Realiser,
    corpus: Corpus,
    seed: int,
) -> Ticket:
    settings, reported = outcome.plan.settings, outcome.reported
    name = (
        f"{corpus.name}-{recipe.model.name}-{settings.method}-{settings.init.replace(':', '_')}"
        f"-{reported.counted.sparsity:.3f}-seed{seed}-{reported.run.key[:8]}"
    )
    judged = {"dense": outcome.dense, "ticket": reported.run, "reinit": outcome.reinit}
    about = {
        "dataset": recipe.data.dataset,
        "model": recipe.model.name,
        **dataclasses.asdict(settings),
        "goal": settings.sparsity,
        "seed": seed,
        "learning_rate": _rate(reported.level.ticket),
        "found_learning_rate": _rate_found(reported.level.ticket),
        "learning_rate_rule": rule and dataclasses.asdict(rule),
        "verdict": outcome.verdict,
        **{f"{name}_test_accuracy": run.metrics["test_accuracy"] for name, run in judged.items()},
        **{
            f"{name}_validation_accuracy": run.metrics["val_accuracy"]
            for name, run in judged.items()
        },
        "rounds": [_record(judged) for judged in outcome.rounds],
        "run_key": reported.run.key,
        "dense_run_key": outcome.dense.key,
        "reinit_run_key": outcome.reinit.key,
    }
    weights = realise.initial_weights(reported.level.ticket)
    with realise.store.lock(name):  # another process may be writing the same ticket
        return write_ticket(
            output / name,
            about,
            recipe,
            corpus.classes,
            corpus.vocabulary,
            reported.run.masks(),
            weights,
            reported.run.snapshot(steps.END),
        )


def _record(judged: Round) -> dict[str, Any]:
    return {
        "round": judged.level.number,
        "sparsity": judged.counted.sparsity,
        "sparsity_without_embedding": judged.elsewhere.sparsity,
        "validation_accuracy": judged.run.metrics["val_accuracy"],
        "test_accuracy": judged.run.metrics["test_accuracy"],
        "matches": judged.matches,
        "learning_rate": _rate(judged.level.ticket),
        "run_key": judged.run.key,
    }


def _rate(spec: RunSpec) -> float:
    """The highest rate that a network is trained at."""
    return spec.recipe.training.learning_rate


def _rate_found(spec: RunSpec) -> float:
    """That of the network whose weights decide its mask."""
    assert isinstance(spec.mask, Pruned)
    return _rate(spec.mask.of)


def _table(outcome: Outcome) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in (
        "round",
        "pruned\n%",
        "weights\nleft",
        "no emb.\n%",
        "valid.\n%",
        "test\n%",
        "to dense\npoints",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    total = outcome.reported.counted.total
    table.add_row("dense", "0.0", f"{total:,}", "0.0", *_accuracies(outcome.dense), "", "")
    for judged in outcome.rounds:
        verdict = Text("matches" if judged.matches else "below dense")
        if judged is outcome.reported:
            verdict = Text(f"{outcome.verdict} <", "bold")
        row = [*_sizes(judged), *_accuracies(judged.run), f"{judged.difference:+.2f}"]
        table.add_row(str(judged.level.number), *row, verdict)
    reported = outcome.reported
    table.add_row(
        "reinit",
        *_sizes(reported),
        *_accuracies(outcome.reinit),
        f"{lottery.points(outcome.reinit, outcome.dense):+.2f}",
        f"mask of {reported.level.number}",
    )
    return table


def _sizes(judged: Round) -> list[str]:
    return [
        f"{100 * judged.counted.sparsity:.1f}",
        f"{judged.counted.remaining:,}",
        f"{100 * judged.elsewhere.sparsity:.1f}",
    ]


def _accuracies(run: Run) -> list[str]:
    return [f"{100 * run.metrics[key]:.2f}" for key in ("val_accuracy", "test_accuracy")]


def _sentence(outcome: Outcome) -> str:
    counted = outcome.reported.counted
    matches = "matches" if outcome.reported.matches else "does not match"
    beats = "beats" if outcome.beats_reinit else "does not beat"
    times = counted.total / max(counted.remaining, 1)
    return (
        f"{outcome.verdict.capitalize()}: with {100 * counted.sparsity:.1f} % pruned ({times:.1f} "
        f"times fewer weights) it {matches} dense within {outcome.plan.settings.tolerance:g} "
        f"points and {beats} the reinit of its mask, on validation data."
    )


def _rates(ticket: Ticket, outcome: Outcome, rule: Rule) -> str:
    return (
        f"Learning rates: masks were found at {ticket.about['found_learning_rate']:g}, dense was "
        f"trained at {_rate(outcome.plan.dense):g}, the ticket at "
        f"{ticket.about['learning_rate']:g}, by the rule {rule}."
    )


def _next_steps(ticket: Ticket) -> list[str]:
    found_on = ALIASES.get(ticket.about["dataset"], ticket.about["dataset"])
    other = "imdb" if found_on == ALIASES["yelp_polarity"] else "yelp_polarity"
    commands = {
        "tune_lr": f"bin/tune_lr --ticket {ticket.folder}",
        "transfer": f"bin/transfer --ticket {ticket.folder} --to {other}",
        "export": f"bin/export --ticket {ticket.folder}",
    }
    following = [line for name, line in commands.items() if name in COMMANDS]
    return [f"Ticket: {ticket.folder}/", *(f"Next:   {line}" for line in following)]
