"""What ``tune_lr`` does: the networks, the search, and what the user reads of it."""

from __future__ import annotations

import dataclasses
import shlex
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from absl import flags
from rich.console import Console

from tflottery import config
from tflottery.cli import flags as common
from tflottery.cli.given_ticket import level_of, located, open_ticket, require_same
from tflottery.cli.progress import open_console, show_plan, watch
from tflottery.cli.tensorboard import observers
from tflottery.data import sources
from tflottery.errors import TrainingError, UserError
from tflottery.experiments.learning_rate import search
from tflottery.experiments.learning_rate.answers import in_words, said
from tflottery.experiments.learning_rate.design import HYPERBAND, Trial, Tuning
from tflottery.experiments.learning_rate.measuring import name_of, write_tuning
from tflottery.experiments.learning_rate.results import RULE, load_tuning, terminal
from tflottery.experiments.learning_rate.search import Search
from tflottery.lottery import Level
from tflottery.runs.executors import make_executor
from tflottery.runs.realise import Realiser, load_corpus
from tflottery.runs.resources import LOCAL, Resources
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.runs.store import Store
from tflottery.tickets import Ticket

# keras-tuner's projects, in the store.
_PROJECTS = "keras_tuner"
_OF_A_TICKET = ("dataset", "model")


def run(values: flags.FlagValues) -> None:
    """Tunes as the flags say.

    Raises:
        TrainingError: some training failed; the rest is done and written.
    """
    role = search.role()
    resources = common.resources(values)
    execute = make_executor(resources)
    count = common.whole_number(values, "seeds", least=1)
    ticket = _ticket(values)
    level = level_of(ticket) if ticket else None
    tuning = _of_ticket(ticket, level, values) if ticket and level else _of_config(values)
    first = int(ticket.about["seed"]) if ticket else 1
    seeds = range(first, first + count)
    store = Store(Path(values.store))
    console = open_console()
    beforehand = resources.executor != LOCAL
    if beforehand and (tuning.settings.tuner != "grid" or role != search.ALONE):
        raise UserError(
            "Only a grid is known beforehand: --executor and --workers go with --tuner grid in one "
            "process; docs/learning_rates.md says how several processes search."
        )
    if tuning.settings.tuner == HYPERBAND:
        console.print(_NO_CURVE, soft_wrap=True)
    if values.dry_run:
        _show(console, tuning, seeds, store, resources)
        return
    home = [level.ticket] if level else []
    untuned = [tuning.untuned(cell, seed) for cell in tuning.cells for seed in seeds]
    labels: dict[str, str] = {}

    def on_trial(trial: Trial) -> None:
        named = ", ".join(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
                          for name, value in trial.values.items())  # fmt: skip
        for seed in seeds:
            key = tuning.spec(trial, seed).key
            labels[key] = f"seed {seed} {trial.cell.name} {named}"

    def label(spec: RunSpec) -> str:
        return labels.get(spec.key, "finding masks")

    view = watch(console, label, _most(tuning, seeds), may_end_early=True)
    observer = observers(view, values.tensorboard, label)
    corpus = load_corpus(tuning.recipe.data, store)
    project = store.root / _PROJECTS / name_of(tuning, corpus.name)
    realise = Realiser(store, [*home, *untuned], observer)
    searching = Search(tuning, seeds, realise, project, on_trial)
    if role != search.ALONE:
        console.print(search.place(role))
    # Another search of these networks, with other seeds say, would make the project anew under this
    # one, so it waits.
    with nullcontext() if role == search.WORKER else store.lock(project.name):
        if role == search.CHIEF:
            searching.run()
        else:
            with view:
                if ticket and level:
                    require_same(ticket, realise, level.ticket, store)
                if beforehand:
                    for trial in tuning.grid:
                        on_trial(trial)
                    execute(_grid_specs(tuning, seeds), realise)
                searching.run()
        failures = searching.reasons()
    if role == search.WORKER:
        console.print(f"{view.trained} trainings done here; the chief writes what was found.")
        return
    about = {"command": _command(values), "ticket": ticket.folder.name if ticket else ""}
    folder = write_tuning(tuning, seeds, searching.trials, realise, store, failures, about)
    result = load_tuning(folder)
    console.print(terminal(result), soft_wrap=True)
    for answer in said(result):
        console.print(answer.on_a_line, soft_wrap=True)
    for line in in_words(result):
        console.print(line, soft_wrap=True)
    if view.caution:
        console.print(view.caution, soft_wrap=True)
    if corpus.caution:
        console.print(corpus.caution)
    console.print(f"{view.trained} trainings done now.")
    console.print(f"Result: {folder}/tuning.json", soft_wrap=True)
    if (folder / RULE).exists():
        console.print(f"Rule:   {folder}/{RULE}, for --learning_rate auto", soft_wrap=True)
    console.print(f"Next:   bin/report {store.root} --output report/", soft_wrap=True)
    if failures:
        reasons = "; ".join(sorted(set(failures.values())))
        raise TrainingError(
            f"{len(failures)} trainings failed ({reasons}); they show as failed in "
            f"{folder}/trials.csv, and the same command tries them again"
        )


def _ticket(values: flags.FlagValues) -> Ticket | None:
    if not values.ticket:
        return None
    for name in _OF_A_TICKET:
        if values[name].value is not None:
            raise UserError(f"The ticket brings its own data and network; leave out --{name}.")
    return open_ticket(Path(values.ticket), "")


def _of_ticket(ticket: Ticket, level: Level, values: flags.FlagValues) -> Tuning:
    data = located(ticket.recipe.data, values.data_dir or "")
    changes = {"tuning.levels": [0.0, level.sparsity], **_changes(values)}
    space = config.load_tuning(values.config or "", changes, values.set)
    return Tuning(
        dataclasses.replace(ticket.recipe, data=data),
        ticket.pruning,
        space,
    )


def _of_config(values: flags.FlagValues) -> Tuning:
    changes = {**common.overrides(values), **_changes(values)}
    chosen = config.load(values.config or "", changes, values.set)
    recipe = dataclasses.replace(chosen.recipe, data=sources.identify(chosen.data))
    return Tuning(recipe, chosen.pruning, chosen.tuning)


def _changes(values: flags.FlagValues) -> dict[str, Any]:
    """What the command's own flags say of ``[tuning]``."""
    changes: dict[str, Any] = {}
    if values.levels:
        try:
            changes["tuning.levels"] = [float(part) for part in values.levels.split(",")]
        except ValueError:
            raise UserError(
                f"--levels takes sparsities with commas between them, not {values.levels!r}."
            ) from None
    if values.arms:
        changes["tuning.arms"] = [part.strip() for part in values.arms.split(",")]
    if values.tuner:
        changes["tuning.tuner"] = values.tuner
    if values.trials:
        changes["tuning.trials"] = common.whole_number(values, "trials", least=1)
    return changes


def _behind(tuning: Tuning, seeds: range) -> list[RunSpec]:
    """The trainings that find the masks, without those that are a trial's too."""
    untuned = [tuning.untuned(cell, seed) for cell in tuning.cells for seed in seeds]
    # Hyperband has no trial with the configuration's epochs at once.
    own = set() if tuning.settings.tuner == HYPERBAND else {spec.key for spec in untuned}
    parents = ancestry(parent for spec in untuned for parent, _ in spec.needs())
    return [spec for spec in parents if spec.key not in own]


def _most(tuning: Tuning, seeds: range) -> int:
    """How many trainings it can be."""
    trials = len(tuning.cells) * tuning.trials_a_cell * len(seeds)
    return len(_behind(tuning, seeds)) + trials


def _show(
    console: Console, tuning: Tuning, seeds: range, store: Store, resources: Resources
) -> None:
    console.print(
        f"{len(tuning.cells)} networks x {tuning.trials_a_cell} trials x {len(seeds)} seeds, "
        f"beside {len(_behind(tuning, seeds))} trainings that only find masks."
    )
    if tuning.settings.tuner == "grid":
        specs = ancestry(_grid_specs(tuning, seeds))
        show_plan(console, specs, Realiser(store, specs), store, resources)
    else:
        console.print(
            f"At most {_most(tuning, seeds)} trainings; the search decides which values it tries."
        )


def _grid_specs(tuning: Tuning, seeds: range) -> list[RunSpec]:
    return [tuning.spec(trial, seed) for trial in tuning.grid for seed in seeds]


def _command(values: flags.FlagValues) -> str:
    parts = ["bin/tune_lr"]
    for name in (
        "ticket", "dataset", "config", "model", "levels", "arms", "seeds", "tuner", "trials",
    ):  # fmt: skip
        if values[name].value != values[name].default:
            parts.append(f"--{name} {shlex.quote(values[name].value)}")
    parts += [f"--set {shlex.quote(text)}" for text in values.set]
    return " ".join(parts)


_NO_CURVE = (
    "Hyperband goes on from the weights of shorter trainings: good for finding a rate soon, not "
    "for curves or rules."
)
