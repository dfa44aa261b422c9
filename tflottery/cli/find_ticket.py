"""``bin/find_ticket``: train, prune, rewind, retrain, judge, and write the ticket."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

from absl import flags
from rich.console import Console
from rich.table import Table

from tflottery.cli import COMMANDS, app
from tflottery.cli import flags as common


def define(values: flags.FlagValues) -> None:
    common.define_configuration(values)
    common.define_search(values)
    common.define_places(values, "tickets", "Folder where the ticket goes, in one of its own.")


def find(values: flags.FlagValues) -> None:
    seed = common.seed(values)
    from tflottery import config
    from tflottery.files import require_writable
    from tflottery.runs.store import Store

    chosen = config.load(values.config or "", common.overrides(values), values.set)
    store = Store(Path(values.store))
    require_writable(Path(values.output), "--output")

    from tflottery import lottery
    from tflottery.cli.progress import watch
    from tflottery.data import sources
    from tflottery.runs.realise import Realiser, load_corpus

    recipe = dataclasses.replace(chosen.recipe, data=sources.identify(chosen.data))
    plan = lottery.make_plan(recipe, chosen.pruning, seed)
    console = Console()
    if values.dry_run:
        _show_plan(console, plan, Realiser(store, plan.specs()), store)
        return
    labels = _labels(plan)
    # One reinit is trained, whichever level it belongs to.
    total = len(plan.levels) + 2
    view = watch(console, lambda spec: labels[spec.key], total, may_end_early=plan.is_open)
    with view:
        realise = Realiser(store, plan.specs(), view)
        outcome = lottery.hunt(plan, realise)
    corpus = load_corpus(recipe.data, store)
    folder = _write(Path(values.output), outcome, realise, corpus, recipe, seed)
    _show(console, outcome, folder, view.trained, store, corpus)


def _labels(plan: Any) -> dict[str, str]:
    labels = {plan.dense.key: "dense"}
    for level in plan.levels:
        labels[level.ticket.key] = f"round {level.number}"
        labels.setdefault(level.reinit.key, f"reinit of round {level.number}")
    return labels


def _show_plan(console: Console, plan: Any, realise: Any, store: Any) -> None:
    specs, labels = plan.specs(), _labels(plan)
    if plan.is_open:
        # Of the reinits of an open plan one is trained; which one the results decide.
        reinits = {level.reinit.key for level in plan.levels}
        done = [spec for spec in specs if spec.key in reinits and realise.is_done(spec)]
        specs = [spec for spec in specs if spec.key not in reinits] + done
    missing = 0
    known: list[float] = []
    for spec in specs:
        done_already = realise.is_done(spec)
        missing += not done_already
        if done_already:
            known.append(store.find(spec.key).seconds)
        state = "in the store" if done_already else "to train"
        console.print(f"{spec.key[:12]}  {labels[spec.key]:<20} {state}", highlight=False)
    upper = "At most " if plan.is_open else ""
    extra = " and one reinit" if plan.is_open else ""
    from tflottery.cli.progress import clock

    if known:
        guess = f", about {clock(missing * sum(known) / len(known))}"
    else:
        guess = "; how long that takes is known after the first"
    console.print(f"{upper}{missing} trainings{extra}{guess}.".capitalize(), highlight=False)


def _write(
    output: Path, outcome: Any, realise: Any, corpus: Any, recipe: Any, seed: int
) -> Path:
    from tflottery.tickets import write_ticket

    settings, reported = outcome.plan.settings, outcome.reported
    name = "-".join(
        [
            corpus.name,
            recipe.model.name,
            settings.method,
            settings.init.replace(":", "_"),
            f"{reported.counted.sparsity:.3f}",
            f"seed{seed}",
            reported.run.key[:8],
        ]
    )
    about = {
        "dataset": recipe.data.dataset,
        "model": recipe.model.name,
        **{
            key: getattr(settings, key)
            for key in ("method", "rate", "init", "scope", "criterion", "tolerance")
        },
        "embedding_pruned": settings.embedding,
        "seed": seed,
        "verdict": outcome.verdict,
        "dense_test_accuracy": outcome.dense.metrics["test_accuracy"],
        "ticket_test_accuracy": reported.run.metrics["test_accuracy"],
        "reinit_test_accuracy": outcome.reinit.metrics["test_accuracy"],
        "dense_validation_accuracy": outcome.dense.metrics["val_accuracy"],
        "ticket_validation_accuracy": reported.run.metrics["val_accuracy"],
        "reinit_validation_accuracy": outcome.reinit.metrics["val_accuracy"],
        "run_key": reported.run.key,
        "dense_run_key": outcome.dense.key,
        "reinit_run_key": outcome.reinit.key,
    }
    ticket = write_ticket(
        output / name,
        about,
        recipe,
        corpus.classes,
        corpus.vocabulary,
        reported.run.masks(),
        realise.initial_weights(reported.level.ticket),
        reported.run.snapshot("end"),
    )
    return ticket.folder


def _show(
    console: Console, outcome: Any, folder: Path, trained: int, store: Any, corpus: Any
) -> None:
    from tflottery.cli.progress import percent

    table = Table(box=None, pad_edge=False, header_style="bold")
    headings = ("round", "sparsity", "remaining", "no embed.", "valid.", "test", "to dense")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)

    def row(name: str, run: Any, judged: Any, verdict: str) -> None:
        accuracies = [percent(run.metrics[key]) for key in ("val_accuracy", "test_accuracy")]
        sizes = ["0.0 %", f"{outcome.reported.counted.total:,}", "0.0 %"]
        if judged:
            sizes = [
                f"{100 * judged.counted.sparsity:.1f} %",
                f"{judged.counted.remaining:,}",
                f"{100 * judged.elsewhere.sparsity:.1f} %",
            ]
        difference = 100 * (run.metrics["val_accuracy"] - outcome.dense.metrics["val_accuracy"])
        to_dense = "" if run is outcome.dense else f"{difference:+.2f}"
        table.add_row(name, *sizes, *accuracies, to_dense, verdict)

    row("dense", outcome.dense, None, "")
    for judged in outcome.rounds:
        chosen = judged is outcome.reported
        verdict = outcome.verdict if chosen else "matches" if judged.matches else "below"
        row(str(judged.level.number), judged.run, judged, f"{verdict}{' <' if chosen else ''}")
    reported = outcome.reported
    row("reinit", outcome.reinit, reported, "same mask, new weights")
    console.print(table, soft_wrap=True)
    console.print(_sentence(outcome), highlight=False)
    if corpus.caution:
        console.print(corpus.caution, highlight=False)
    if not trained:
        console.print(f"Trained nothing: every run was in {store.root}/ already.", highlight=False)
    lines = [f"Ticket: {folder}/"]
    if "transfer" in COMMANDS:
        lines.append(f"Next:   bin/transfer --ticket {folder} --to yelp_polarity")
    if "export" in COMMANDS:
        lines.append(f"        bin/export --ticket {folder}")
    console.print("\n".join(lines), highlight=False, soft_wrap=True)


def _sentence(outcome: Any) -> str:
    settings, reported = outcome.plan.settings, outcome.reported
    counted = reported.counted
    matches = "matches" if reported.matches else "does not match"
    beats = "beats" if outcome.beats_reinit else "does not beat"
    times = counted.total / counted.remaining if counted.remaining else float("inf")
    return (
        f"{outcome.verdict.capitalize()}: with {100 * counted.sparsity:.1f} % pruned ({times:.1f} "
        f"times fewer weights) it {matches} dense within {settings.tolerance:g} points and "
        f"{beats} the reinit of its mask, on validation data."
    )


def _kept(values: flags.FlagValues) -> str:
    return (
        f"Finished trainings are kept in {values.store}/; the same command goes on from there."
    )


COMMAND = app.Command(
    name="find_ticket",
    summary="Find a winning ticket: train, prune, rewind, retrain, judge, write it to disk.",
    define=define,
    action=find,
    examples="""
    bin/find_ticket --dataset toy
    bin/find_ticket --dataset imdb --sparsity 0.832
    bin/find_ticket --dataset imdb --model lstm --init rewind:1ep --method one_shot --seed 3
    bin/find_ticket --dataset reviews.csv --set data.text_column=review --set training.epochs=6
    """,
    kept=_kept,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; gives its exit code."""
    return app.run(COMMAND, argv)


if __name__ == "__main__":
    sys.exit(main())
