"""What ``transfer`` does: the ticket, the plan, the runs, and what the user reads of them."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

from absl import flags

from tflottery import config, lottery
from tflottery.cli import flags as common
from tflottery.cli.given_ticket import level_of, located, open_ticket, require_same
from tflottery.cli.progress import open_console, percent, show_plan, watch
from tflottery.cli.tensorboard import observers
from tflottery.data import sources
from tflottery.data.corpus import Corpus
from tflottery.errors import TrainingError, UserError
from tflottery.experiments.transfer.answers import said
from tflottery.experiments.transfer.design import Transfer, encoded_for
from tflottery.experiments.transfer.measuring import Words, compare_words, write_transfer
from tflottery.experiments.transfer.results import load_transfer, terminal
from tflottery.lottery import Level
from tflottery.runs.executors import make_executor
from tflottery.runs.realise import Realiser, load_corpus
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.runs.store import Store
from tflottery.tickets import Ticket

_MUCH = 0.5


def run(values: flags.FlagValues) -> None:
    """Transfers a ticket as the flags say.

    Raises:
        TrainingError: some training failed; the rest is done and written.
    """
    if not values.to:
        raise UserError("Say where to: bin/transfer --to yelp_polarity, or a file of your own.")
    resources = common.resources(values)
    execute = make_executor(resources)
    count = common.whole_number(values, "seeds", least=1)
    ticket = open_ticket(Path(values.ticket), values.model)
    level = level_of(ticket)
    transfer = _transfer(ticket, level, values)
    first = int(ticket.about["seed"])
    seeds = range(first, first + count)
    store = Store(Path(values.store))
    # The ticket's own training tells whether this store is the one it comes from.
    home = [] if values.reverse else [level.ticket]
    cells = [cell for seed in seeds for cell in transfer.cells(seed)]
    wanted = [*home, *(cell.spec for cell in cells)]
    specs = ancestry(wanted)
    console = open_console()
    console.print(_headline(ticket), soft_wrap=True)
    if values.dry_run:
        show_plan(console, specs, Realiser(store, wanted), store, resources)
        return
    labels = _labels(transfer, seeds)

    def label(spec: RunSpec) -> str:
        return labels.get(spec.key, "the ticket")

    view = watch(console, label, len(specs), may_end_early=False)
    observer = observers(view, values.tensorboard, label)
    with view:
        realise = Realiser(store, wanted, observer)
        source, target = (load_corpus(r.data, store) for r in (transfer.source, transfer.target))
        words = compare_words(source, target, transfer.target.data.vocabulary_size)
        for line in _remarks(transfer, source, target, words):
            console.print(line, soft_wrap=True)
        for spec in home:
            require_same(ticket, realise, spec, store)
        failures = execute((cell.spec for cell in cells), realise)
        command = _command(values)
        folder = write_transfer(transfer, seeds, words, realise, store, failures, command)
    result = load_transfer(folder)
    console.print(terminal(result), soft_wrap=True)
    for answer in said(result):
        console.print(answer.on_a_line, soft_wrap=True)
    if result.about["caution"]:
        console.print(result.about["caution"])
    if view.caution:
        console.print(view.caution, soft_wrap=True)
    console.print(f"{view.trained} trainings done now, {len(specs) - len(failures)} in all.")
    console.print(f"Result: {folder}/result.json", soft_wrap=True)
    console.print(f"Next:   bin/report {store.root} --output report/", soft_wrap=True)
    if failures:
        reasons = "; ".join(sorted(set(failures.values())))
        raise TrainingError(
            f"{len(failures)} of {len(cells)} networks failed ({reasons}); they show as failed in "
            f"{folder}/cells.csv, and the same command tries them again"
        )


def _transfer(ticket: Ticket, level: Level, values: flags.FlagValues) -> Transfer:
    data_dir = values.data_dir
    train_size = common.whole_number(values, "train_size")
    source = dataclasses.replace(ticket.recipe, data=located(ticket.recipe.data, data_dir))
    data = {"dataset": values.to, "data_dir": data_dir or source.data.data_dir}
    target = config.retarget(source, {**data, "train_size": train_size}, values.set)
    target = dataclasses.replace(target, data=sources.identify(target.data))
    classes = len(sources.open_source(target.data).classes)
    if (source.data.fingerprint, source.data.train_size) == (
        target.data.fingerprint, target.data.train_size,
    ):  # fmt: skip
        raise UserError(
            f"The ticket was found on {values.to} itself; give --to other data, or another "
            "--train_size."
        )
    vocabulary = values.vocabulary
    encoded = encoded_for(vocabulary, source.data, target.data)
    if values.reverse:
        # There the target's vocabulary is the given one, unless both share one.
        own = encoded if vocabulary == "shared" else target.data
        source, target = (
            dataclasses.replace(target, data=own),
            dataclasses.replace(source, data=encoded_for(vocabulary, own, source.data)),
        )
    else:
        target = dataclasses.replace(target, data=encoded)
    return Transfer(
        source,
        target,
        ticket.pruning,
        _levels(ticket, level, values.levels),
        vocabulary,
        values.grid,
        same_classes=len(ticket.classes) == classes,
    )


def _levels(ticket: Ticket, level: Level, text: str) -> tuple[float, ...]:
    if not text:
        return (level.sparsity,)
    if text == "all":
        plan = lottery.make_plan(ticket.recipe, ticket.pruning, int(ticket.about["seed"]))
        return tuple(one.sparsity for one in plan.levels[: level.number])
    try:
        return tuple(sorted({float(part) for part in text.split(",")}))
    except ValueError:
        raise UserError(
            f"--levels takes sparsities with commas between them, or all; not {text!r}."
        ) from None


def _headline(ticket: Ticket) -> str:
    about = ticket.about
    return (
        f"Ticket: {ticket.folder.name}, {100 * about['sparsity']:.1f} % pruned, "
        f"{about['verdict']} on {about['dataset']} (test {percent(about['ticket_test_accuracy'])}, "
        f"dense {percent(about['dense_test_accuracy'])})"
    )


def _remarks(transfer: Transfer, source: Corpus, target: Corpus, words: Words) -> list[str]:
    """What is to be known before the trainings begin."""
    lines = [
        f"Words:  {percent(words.target_unknown)} of the words of {target.name} are unknown to the "
        f"vocabulary of {source.name}, {percent(words.target_unknown_own)} to one of its own; "
        f"Jensen-Shannon divergence {words.divergence:.3f} bits"
    ]
    if words.target_unknown > _MUCH and transfer.vocabulary in ("reuse", "remap"):
        lines.append(
            f"Warning: the vocabulary of {source.name} covers only "
            f"{percent(1 - words.target_unknown)} of {target.name}; little of the embedding can "
            "carry over. Try --vocabulary drop, or shared."
        )
    if not transfer.same_classes:
        lines.append(
            f"Classes: {target.name} has {len(target.classes)}, {source.name} "
            f"{len(source.classes)}; the head is initialised anew and the ticket's mask of the "
            "head is dropped."
        )
    elif source.classes != target.classes:
        pairs = zip(source.classes, target.classes, strict=True)
        matched = ", ".join(f"{one} is {other}" for one, other in pairs)
        lines.append(f"Classes: by their order, {matched}")
    return lines


def _labels(transfer: Transfer, seeds: range) -> dict[str, str]:
    labels: dict[str, str] = {}
    cells = [cell for seed in seeds for cell in transfer.cells(seed)]
    for cell in cells:
        name = f"{cell.mask} mask, {cell.init} weights, {100 * cell.level:.1f} %"
        labels[cell.spec.key] = f"seed {cell.seed} {name if cell.level else cell.mask}"
    for cell in cells:
        for spec in ancestry([cell.spec]):
            side = "target" if spec.recipe == transfer.target else "source"
            labels.setdefault(spec.key, f"seed {cell.seed} chain of tickets on the {side}")
    return labels


def _command(values: flags.FlagValues) -> str:
    parts = ["bin/transfer"]
    for name in ("to", "ticket", "model", "seeds", "levels", "grid", "vocabulary", "train_size"):
        if values[name].value != values[name].default:
            parts.append(f"--{name} {shlex.quote(values[name].value)}")
    parts += ["--reverse"] * values.reverse
    parts += [f"--set {shlex.quote(text)}" for text in values.set]
    return " ".join(parts)
