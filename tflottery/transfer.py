"""Transfer: does a ticket that was found on one data set win on another (question 2.1.5)?

``Transfer.cells`` says the networks to compare as specs: masks from the source's ticket, from the
target's own, or drawn by chance, each with weights from the source, from the target or newly drawn,
all trained on the target (Morcos et al. 2019, arXiv 1906.02773; Desai et al. 2019, arXiv
1910.12708). ``judge`` compares what they gave.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tflottery import seeds, statistics
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError, suggest
from tflottery.runs.recipes import Recipe
from tflottery.runs.specs import (
    EMBEDDING,
    HEAD,
    Fit,
    InitSpec,
    MaskSpec,
    RunSpec,
    Shuffled,
    Snapshot,
    TransferredMask,
    TransferredWeights,
)
from tflottery.tickets import plan as plans
from tflottery.tickets.plan import Plan, PruningSettings

VOCABULARIES = ("reuse", "remap", "drop", "shared")
GRIDS = ("default", "full")
MASKS = ("target", "source", "random", "shuffled")
INITS = ("target", "source", "source_late", "reinit")
# From the target's own ticket to chance: each arm differs from its neighbours in as little as can
# be, and the last three in one thing each.
DEFAULT_ARMS = (
    ("target", "target"),
    ("source", "source"),
    ("source", "reinit"),
    ("random", "reinit"),
)
FULL_ARMS = tuple((mask, init) for mask in MASKS for init in INITS)
DENSE_ARM = ("dense", "fresh")
TARGET_TICKET = ("target", "target")
# The weights of ``source_late``: late rewinding to the end of the first epoch.
LATE = "1ep"


@dataclass(frozen=True)
class Cell:
    """One network trained on the target.

    ``mask``: dense, target (of its own ticket), source, random (as many weights of each tensor as
    the source's mask keeps) or shuffled (the source's mask permuted within each tensor). ``init``:
    fresh, target, source (the weights that ticket rewinds to), source_late or reinit. ``level``:
    the sparsity asked for.
    """

    mask: str
    init: str
    level: float
    seed: int
    spec: RunSpec


@dataclass(frozen=True)
class Transfer:
    """From a source to a target.

    ``source`` and ``target``: recipes of the same network, with their data's fingerprints;
    ``pruning``: how tickets are found on both; ``levels``: sparsities. ``vocabulary``: what an
    embedding row stands for on the target. ``same_classes``: whether both have as many classes, so
    that the head can be carried over.
    """

    source: Recipe
    target: Recipe
    pruning: PruningSettings
    levels: tuple[float, ...]
    vocabulary: str = "reuse"
    grid: str = "default"
    same_classes: bool = True

    def __post_init__(self) -> None:
        for key, choices in (("vocabulary", VOCABULARIES), ("grid", GRIDS)):
            value = getattr(self, key)
            if value not in choices:
                raise UserError(f"--{key} is not {value!r}: {suggest(value, choices)}")
        for level in self.levels:
            if not 0 < level < 1:
                raise UserError(f"--levels holds {level:g}; a sparsity here is in (0, 1).")
        if self.pruning.init == "random":
            raise UserError(
                "A ticket with --init random has no weights to carry over; find one with --init "
                "original or rewind:STEP."
            )

    @property
    def arms(self) -> tuple[tuple[str, str], ...]:
        """(mask, init) of each network at a level."""
        return FULL_ARMS if self.grid == "full" else DEFAULT_ARMS

    def cells(self, seed: int) -> list[Cell]:
        """The networks of one seed, the dense one first."""
        return list(self._cells(seed))

    def _cells(self, seed: int) -> Iterator[Cell]:
        # The target's own network begins with weights of its own: the seed alone would give those
        # of the source, where both have the same vocabulary.
        own_seed = seeds.derive("target", seed)
        own_pruning = self.pruning
        if self.vocabulary == "drop":
            own_pruning = dataclasses.replace(self.pruning, embedding=False)
        dense = plans.make_plan(self.target, own_pruning, own_seed).dense
        yield Cell(*DENSE_ARM, 0.0, seed, dense)
        fit = self._fit(own_seed)
        for level in self.levels:
            plan = _plan(self.source, self.pruning, level, seed)
            found = plan.levels[-1].ticket
            own = _plan(self.target, own_pruning, level, own_seed).levels[-1]
            mask = _fitted_mask(found.mask, fit)
            masks: dict[str, MaskSpec] = {
                "target": own.ticket.mask,
                "source": mask,
                "random": Shuffled(mask, seeds.derive("random mask", own_seed)),
                "shuffled": Shuffled(mask, seeds.derive("shuffled mask", own_seed)),
            }
            inits: dict[str, InitSpec] = {
                "target": own.ticket.init,
                "source": _fitted_weights(found.init, fit),
                "source_late": _fitted_weights(Snapshot(plan.dense, LATE), fit),
                "reinit": own.reinit.init,
            }
            for mask_name, init_name in self.arms:
                # A ticket that was rewound late has one pair of weights only.
                if init_name == "source_late" and inits[init_name] == inits["source"]:
                    continue
                spec = dataclasses.replace(dense, mask=masks[mask_name], init=inits[init_name])
                yield Cell(mask_name, init_name, level, seed, spec)

    def _fit(self, seed: int) -> Fit | None:
        """What has to be done to masks and weights of the source; None where they fit as they
        are."""
        left_out = ([] if self.same_classes else [HEAD]) + [EMBEDDING] * (self.vocabulary == "drop")
        without = tuple(tensor.partition("/")[0] for tensor in left_out)
        words_of = self.source.data if self.vocabulary == "remap" else None
        return Fit(words_of, without, seed) if words_of or without else None


def _plan(recipe: Recipe, pruning: PruningSettings, level: float, seed: int) -> Plan:
    return plans.make_plan(recipe, dataclasses.replace(pruning, sparsity=level), seed)


def _fitted_mask(mask: MaskSpec, fit: Fit | None) -> MaskSpec:
    return TransferredMask(mask, fit) if fit else mask


def _fitted_weights(init: InitSpec, fit: Fit | None) -> InitSpec:
    return TransferredWeights(init, fit) if fit else init


def encoded_for(vocabulary: str, source: DataSettings, target: DataSettings) -> DataSettings:
    """The target's data, with the vocabulary that the contract says.

    Raises:
        UserError: ``shared``, and the source's vocabulary was not counted on the target too; or one
            vocabulary of two sizes.
    """
    if vocabulary == "shared" and target.fingerprint not in {
        data.fingerprint for data in source.vocabulary_from
    }:
        raise UserError(
            f"This ticket's vocabulary does not come from {target.dataset} too; find one with "
            f"bin/find_ticket --dataset {source.dataset} --set data.share_vocabulary="
            f"{target.dataset}."
        )
    if vocabulary in ("reuse", "shared"):
        if target.vocabulary_size != source.vocabulary_size:
            raise UserError(
                f"With --vocabulary {vocabulary} the target has the ticket's vocabulary, of "
                f"{source.vocabulary_size} words; leave out data.vocabulary_size, or give "
                "--vocabulary remap or drop."
            )
        return dataclasses.replace(target, vocabulary_from=source.vocabulary_from or (source,))
    return dataclasses.replace(target, vocabulary_from=())


Row = Mapping[str, Any]
Arm = tuple[str, str, float]
_MEANS = (
    "sparsity",
    "sparsity_without_embedding",
    "remaining",
    "best_epoch",
    "epochs_to_99",
    "epochs",
)
# Two arms that differ in one thing, which the difference of their accuracies is the worth of.
GAINS = {
    "source_weights": (("source", "source"), ("source", "reinit")),
    "source_mask": (("source", "reinit"), ("random", "reinit")),
}


def judge(rows: Sequence[Row]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What the runs say: each arm at each level over its seeds, and ``GAINS`` at each level.

    Accuracies are test accuracies in %; differences, to dense and to the target's own ticket, are
    in points and paired by seed. Nothing is chosen by them.

    Args:
        rows: one a finished run, with ``mask``, ``init``, ``level``, ``seed``, ``epochs_to_99`` and
            the columns of ``runs.measures``.
    """
    of_arms: dict[Arm, list[Row]] = {}
    for row in rows:
        of_arms.setdefault((row["mask"], row["init"], row["level"]), []).append(row)

    def accuracy(arm: Arm) -> dict[int, float]:
        return {row["seed"]: 100 * row["test_accuracy"] for row in of_arms.get(arm, [])}

    def minus(one: Arm, other: Arm) -> dict[str, Any] | None:
        if one == other:
            return None
        return statistics.plain(statistics.compare(accuracy(one), accuracy(other)))

    arms = [
        {
            "mask": arm[0],
            "init": arm[1],
            "level": arm[2],
            **{name: round(sum(row[name] for row in found) / len(found), 6) for name in _MEANS},
            "test_accuracy": statistics.plain(statistics.summarise(list(accuracy(arm).values()))),
            "minus_dense": minus(arm, (*DENSE_ARM, 0.0)),
            "minus_target_ticket": minus(arm, (*TARGET_TICKET, arm[2])),
        }
        for arm, found in of_arms.items()
    ]
    gains = [
        {"gain": name, "level": level, "difference": difference}
        for level in sorted({level for _, _, level in of_arms} - {0.0})
        for name, (one, other) in GAINS.items()
        if (difference := minus((*one, level), (*other, level)))
    ]
    return arms, gains
