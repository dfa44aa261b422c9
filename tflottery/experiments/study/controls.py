"""The controls of a study: networks that differ from a ticket, or from dense, in one thing.

Each function gives cells of one seed. A control follows the study's scope and criterion; what
cannot is left out, and ``left_out`` says so.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

from tflottery import seeds, steps
from tflottery.experiments.study.arms import Cell, Seed
from tflottery.experiments.study.settings import StudySettings
from tflottery.models.architecture import Architecture
from tflottery.pruning import criteria
from tflottery.pruning.masks import To
from tflottery.pruning.rates import with_rest
from tflottery.runs.inits import Signs, Snapshot
from tflottery.runs.pruned import GraduallyPruned, Pruned
from tflottery.runs.shuffled import Shuffled, ShuffledWords
from tflottery.runs.specs import Dense, Fresh, RunSpec
from tflottery.tickets.applicable import excluding
from tflottery.tickets.methods import FINDING_TICKETS
from tflottery.tickets.settings import PruningSettings, with_criterion
from tflottery.training.settings import TrainingSeeds


def controls(seed: Seed, level: float) -> Iterator[Cell]:
    """The controls at a level."""
    for method, mask, init, spec in _controls(seed, level):
        yield seed.cell("control", method, mask, init, level, spec)


def _controls(seed: Seed, level: float) -> Iterator[tuple[str, str, str, RunSpec]]:
    """Method, mask and init in words, and the network."""
    last, kinds = seed.last("iterative", "original", level), seed.study.control_kinds
    ticket, pruning = last.ticket, seed.pruning
    drawn = seeds.derive("control", seed.number)
    change = dataclasses.replace
    if "random" in kinds:
        chance = criteria.BY_CHANCE[criteria.kind(pruning.criterion)]
        yield "one_shot", "random", "original", random_mask(seed, level, chance)
    if "shuffled" in kinds:
        shuffled = Shuffled(ticket.mask, drawn)
        yield "iterative", "shuffled", "original", change(ticket, mask=shuffled)
    if "signs" in kinds:
        signs = Signs(Snapshot(seed.dense, steps.BEGINNING), kernels_only=pruning.biases)
        yield "iterative", "magnitude", "signs", change(ticket, init=signs)
    if "head" in kinds and seed.recipe.model.roles().head:
        other = excluding(pruning, seed.recipe.model, head=not pruning.head)
        headed = seed.last("iterative", "original", level, other).ticket
        yield "iterative", "head_pruned" if other.head else "head_spared", "original", headed
    if "gradual" in kinds and _tf_mot_can(pruning):
        gradual = GraduallyPruned(level, **_counted(pruning))
        yield "gradual", "gradual", "fresh", change(seed.dense, mask=gradual)
    if "stretched" in kinds:
        whole = seed.epochs * (last.number + 1)
        stretched = seed.dense.with_training(epochs=whole, patience=whole)
        yield "dense", "dense", "fresh", stretched
    if seed.study.word_masks and words_are_pruned(pruning, seed.recipe.model):
        for name, words in (
            ("shuffled_words", ShuffledWords(ticket.mask, drawn)),
            ("words_only", ShuffledWords(ticket.mask, drawn, others=False)),
            ("random_words", ShuffledWords(ticket.mask, drawn, dealt=True)),
        ):
            yield "iterative", name, "original", change(ticket, mask=words)
    if seed.study.gradual_ramp and _tf_mot_can(pruning):
        yield "gradual", "gradual", "trained", _from_trained(seed, level, seed.study.gradual_ramp)


def random_mask(seed: Seed, level: float, criterion: str) -> RunSpec:
    """A mask that chance draws, of single weights or of whole units, with the original weights."""
    pruning = with_criterion(seed.pruning, criterion)
    mask = Pruned(
        seed.dense,
        To(level),
        pruning.scope,
        pruning.criterion,
        seed=seeds.derive("control", seed.number),
        rates=with_rest(pruning.rates, pruning.rate),
        attention_heads=pruning.attention_heads,
        **_counted(pruning),  # type: ignore[arg-type]
    )
    init = Snapshot(seed.dense, steps.BEGINNING)
    return dataclasses.replace(seed.dense, mask=mask, init=init)


def _from_trained(seed: Seed, level: float, ramp: float) -> RunSpec:
    """Gradual pruning of the trained dense network, for as many epochs as the rounds of iterative
    pruning to the same level have together, so that both cost as much in all."""
    rounds = seed.last("iterative", "original", level).number
    mask = GraduallyPruned(level, ramp, **_counted(seed.pruning))
    spec = dataclasses.replace(seed.dense, mask=mask, init=Snapshot(seed.dense, steps.END))
    epochs = seed.epochs * rounds
    return spec.with_training(epochs=epochs, patience=epochs)


def ramps(seed: Seed) -> Iterator[Cell]:
    """Gradual pruning of the trained network with each ramp, to choose one by validation data."""
    if not _tf_mot_can(seed.pruning):
        return
    for level in seed.study.ramp_levels:
        for ramp in seed.study.ramps:
            spec = _from_trained(seed, level, ramp)
            yield seed.cell("ramp", "gradual", "gradual", f"trained:{ramp:g}", level, spec)


def dense_again(seed: Seed) -> Iterator[Cell]:
    """More dense networks: other initial weights, another data order, other dropout. The best of k
    by validation data costs as much as a ticket with k trainings."""
    for repeat in range(1, seed.study.dense_again + 1):
        drawn = seeds.derive("dense again", seed.number, repeat)
        spec = RunSpec(seed.recipe, Dense(), Fresh(drawn), TrainingSeeds(drawn, drawn))
        yield seed.cell("again", "dense", "dense", "fresh", 0.0, spec, repeat)


def lengths(seed: Seed) -> Iterator[Cell]:
    """Tickets from original weights that are trained longer: as long as those that were rewound
    late, with the epochs behind their weights."""
    for method in FINDING_TICKETS:
        for level in seed.study.levels_of(method):
            ticket = seed.last(method, "original", level).ticket
            for more in seed.study.longer_by:
                longer = seed.lasting(ticket, seed.epochs + more)
                init = f"original+{more}ep"
                yield seed.cell("length", method, "magnitude", init, level, longer)


def convergence(seed: Seed) -> Iterator[Cell]:
    """Dense and the tickets at the levels of the controls, validated often enough to tell when they
    reach an accuracy."""
    if not seed.study.convergence_validations:
        return
    often = max(
        math.ceil(seed.study.convergence_validations / seed.epochs),
        seed.recipe.training.validations_per_epoch,
    )
    dense = seed.dense.with_training(validations_per_epoch=often)
    yield seed.cell("convergence", "dense", "dense", "fresh", 0.0, dense)
    for level in seed.study.controls:
        for method in FINDING_TICKETS:
            ticket = seed.last(method, "original", level).ticket
            watched = ticket.with_training(validations_per_epoch=often)
            yield seed.cell("convergence", method, "magnitude", "original", level, watched)


def left_out(
    study: StudySettings, pruning: PruningSettings, model: Architecture
) -> tuple[str, ...]:
    """Lines on the controls that a study asks for and that cannot follow how it prunes."""
    lines = []
    has_gradual = study.controls and ("gradual" in study.control_kinds or study.gradual_ramp)
    if (has_gradual or study.ramp_levels) and not _tf_mot_can(pruning):
        lines.append(
            "Gradual pruning is left out: TF-MOT prunes layer by layer and by magnitude, and this "
            f"study prunes with {'rates by layer' if pruning.rates else f'scope {pruning.scope}'} "
            f"and criterion {pruning.criterion}."
        )
    if study.controls and study.word_masks and not words_are_pruned(pruning, model):
        lines.append(
            "Masks that are permuted within words are left out: no embedding is pruned here."
        )
    if study.early_bird_points and not follows_moments(pruning):
        lines.append(
            "Masks at moments of the dense training are left out: "
            f"{pruning.criterion} reads weights of its own moments."
        )
    return tuple(lines)


def follows_moments(pruning: PruningSettings) -> bool:
    """Whether the mask that a criterion draws changes with the moment of the training, and with
    that alone."""
    is_of_end = criteria.steps_of(pruning.criterion) == (steps.END,)
    return is_of_end and not criteria.reads_scales(pruning.criterion)


def _counted(pruning: PruningSettings) -> dict[str, bool]:
    """What says which tensors are pruned and counted, as masks take it."""
    return {"embedding": pruning.embedding, "head": pruning.head, "biases": pruning.biases}


def _tf_mot_can(pruning: PruningSettings) -> bool:
    is_by_layer = pruning.scope == "layerwise" and not pruning.rates
    return is_by_layer and pruning.criterion == "magnitude"


def words_are_pruned(pruning: PruningSettings, model: Architecture) -> bool:
    """Whether the vectors of words have a mask that can be permuted within them."""
    return pruning.embedding and bool(model.roles().embedding)
