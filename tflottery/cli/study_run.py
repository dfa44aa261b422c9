"""What ``study`` does: train what is missing, write the findings, say where they are."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

from absl import flags

from tflottery import config
from tflottery.cli import flags as common
from tflottery.cli.progress import open_console, show_plan, watch
from tflottery.cli.simulated import show_simulation
from tflottery.cli.tensorboard import observers
from tflottery.data import sources
from tflottery.errors import TrainingError, UserError
from tflottery.experiments.study.design import Study
from tflottery.experiments.study.measuring import run_study, write_study
from tflottery.experiments.study.results import load_study
from tflottery.experiments.study.tables import terminal
from tflottery.runs.executors import make_executor
from tflottery.runs.realise import Realiser
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.runs.store import Store


def run(values: flags.FlagValues) -> None:
    """Runs a study as the flags say.

    Raises:
        TrainingError: some training failed; the rest is done and written.
    """
    resources = common.resources(values)
    execute = make_executor(resources)
    seeds = common.seeds(values)
    chosen = config.load(values.config or "", common.overrides(values), values.set)
    store = Store(Path(values.store))
    recipe = dataclasses.replace(chosen.recipe, data=sources.identify(chosen.data))
    study = Study(chosen.name, recipe, chosen.pruning, chosen.study, seeds)
    specs = ancestry(spec for seed in seeds for spec in study.specs(seed))
    console = open_console()
    wanted = [spec for seed in seeds for spec in study.wanted(seed)]
    if values.dry_run:
        show_plan(console, specs, Realiser(store, wanted), store, resources)
        return
    labels = _labels(study)
    if values.simulate:
        show_simulation(console, specs, store, labels, _numbers(values.simulate))
        return

    def label(spec: RunSpec) -> str:
        return labels.get(spec.key, "ancestor")

    view = watch(console, label, len(specs), may_end_early=False)
    observer = observers(view, values.tensorboard, label)
    with view:
        realise = Realiser(store, wanted, observer)
        failures = run_study(study, realise, execute)
        folder = write_study(study, realise, store, failures, _typed(values))
    console.print(terminal(load_study(folder)), soft_wrap=True)
    if view.caution:
        console.print(view.caution, soft_wrap=True)
    console.print(f"{view.trained} trainings done now, {len(specs) - len(failures)} in all.")
    console.print(f"Findings: {folder}/", soft_wrap=True)
    console.print(f"Next:     bin/report {store.root} --output report/", soft_wrap=True)
    if failures:
        reasons = "; ".join(sorted(set(failures.values())))
        raise TrainingError(
            f"{len(failures)} of {len(specs)} trainings failed ({reasons}); they show as failed in "
            f"{folder}/cells.csv, and the same command tries them again"
        )


def _typed(values: flags.FlagValues) -> str:
    """The command with the flags that decide its results, without places on this machine."""
    words = ["bin/study"]
    for name in ("config", "dataset", "model", "seeds"):
        if values[name].value is not None:
            words += [f"--{name}", values[name].value]
    for text in values.set:
        if text.partition("=")[0].strip() != "data.data_dir":
            words += ["--set", text]
    return shlex.join(words)


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = [0]
    if min(numbers) < 1:
        raise UserError(f"--simulate takes numbers of workers, as 1,10,100; not {text!r}.")
    return numbers


def _labels(study: Study) -> dict[str, str]:
    labels: dict[str, str] = {}
    for seed in study.seeds:
        for cell in study.cells(seed):
            name = f"seed {seed} {cell.method} {cell.level:g} {cell.init}"
            for spec in ancestry([cell.spec]):
                labels.setdefault(spec.key, name)
        for point, *pair in study.pairs(seed):
            labels.update({spec.key: f"seed {seed} data order from {point}" for spec in pair})
    return labels
