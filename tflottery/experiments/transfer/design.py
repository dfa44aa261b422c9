"""Transfer: does a ticket that was found on one data set win on another (claim ``transfer``)?

``Transfer.cells`` gives the networks to compare as specs. Masks come from the source's ticket, from
the target's own, or by chance; weights come from the source, from the target, or are newly drawn.
All are trained on the target (Morcos et al. 2019, arXiv 1906.02773; Desai et al. 2019, arXiv
1910.12708).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tflottery import program, seeds
from tflottery.data.settings import DataSettings
from tflottery.errors import UserError, suggest
from tflottery.experiments.levels import check_levels
from tflottery.experiments.transfer.arms import DEFAULT_ARMS, DENSE_ARM, FULL_ARMS
from tflottery.runs.inits import Snapshot
from tflottery.runs.recipes import Recipe
from tflottery.runs.shuffled import Shuffled
from tflottery.runs.specs import InitSpec, MaskSpec, RunSpec
from tflottery.runs.transferred import Fit, TransferredMask, TransferredWeights
from tflottery.tickets import plan as plans
from tflottery.tickets.applicable import excluding
from tflottery.tickets.plan import Plan
from tflottery.tickets.settings import PruningSettings

# With ``remap_v1`` new rows keep as large a part of their weights as the source's whole embedding,
# and not as the rows that are carried over: as ``remap`` once did.
VOCABULARIES = ("reuse", "remap", "drop", "shared", "remap_v1")
GRIDS = ("default", "full")
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
                raise UserError(f"--{key} is not {value!r}. {suggest(value, choices)}")
        check_levels("--levels", self.levels)
        if self.pruning.init.startswith("random"):
            raise UserError(
                f"A ticket with --init {self.pruning.init} has no weights to carry over; find one "
                "with --init original or rewind:STEP."
            )

        roles = self.target.model.roles()
        for is_wanted, tensors, why in (
            (self.remaps or self.vocabulary == "drop", roles.embedding,
             f"--vocabulary {self.vocabulary} is about the embedding"),
            (not self.same_classes, roles.head, "with other classes the head is drawn anew"),
        ):  # fmt: skip
            if is_wanted and not tensors:
                raise UserError(f"{why.capitalize()}, and {self.target.model.name} has none.")

    @property
    def remaps(self) -> bool:
        """Whether embedding rows go with their words."""
        return self.vocabulary in ("remap", "remap_v1")

    @property
    def arms(self) -> tuple[tuple[str, str], ...]:
        """(mask, init) of each network at a level."""
        return FULL_ARMS if self.grid == "full" else DEFAULT_ARMS

    def cells(self, seed: int) -> list[Cell]:
        """The networks of one seed, the dense one first."""
        return list(self._cells(seed))

    def all_cells(self, seeds: Iterable[int], dense_alone: Iterable[int] = ()) -> list[Cell]:
        """The networks of all seeds, and the dense ones of others."""
        whole = [cell for seed in seeds for cell in self.cells(seed)]
        return [*whole, *(next(self._cells(seed)) for seed in dense_alone)]

    def _cells(self, seed: int) -> Iterator[Cell]:
        # The target's own network needs a seed of its own: with a shared vocabulary, the same seed
        # would give it the source's initial weights.
        own_seed = seeds.derive("target", seed)
        own_pruning = self.pruning
        if self.vocabulary == "drop":
            own_pruning = excluding(self.pruning, self.target.model, embedding=False)
        dense = plans.make_plan(self.target, own_pruning, own_seed).dense
        yield Cell(*DENSE_ARM, 0.0, seed, dense)
        fit = self._fit(own_seed)
        for level in self.levels:
            plan = _plan(self.source, self.pruning, level, seed)
            found = plan.levels[-1]
            own = _plan(self.target, own_pruning, level, own_seed).levels[-1]
            mask = self._fitted_mask(found.mask, fit)
            masks: dict[str, MaskSpec] = {
                "target": own.mask,
                "source": mask,
                "random": Shuffled(mask, seeds.derive("random mask", own_seed)),
                "shuffled": Shuffled(mask, seeds.derive("shuffled mask", own_seed)),
            }
            inits: dict[str, InitSpec] = {
                "target": own.ticket.init,
                "source": _fitted_weights(found.ticket.init, fit),
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
        roles = self.target.model.roles()
        left_out = (() if self.same_classes else roles.head) + (
            roles.embedding if self.vocabulary == "drop" else ()
        )
        without = tuple(dict.fromkeys(tensor.partition("/")[0] for tensor in left_out))
        words_of = self.source.data if self.remaps else None
        return Fit(words_of, without, seed) if words_of or without else None

    def _fitted_mask(self, mask: MaskSpec, fit: Fit | None) -> MaskSpec:
        if fit is None:
            return mask
        # Where all rows stay in place, both are the same mask, and have the same key as ever.
        return TransferredMask(mask, fit, "carried" if self.vocabulary == "remap" else "table")


def _plan(recipe: Recipe, pruning: PruningSettings, level: float, seed: int) -> Plan:
    return plans.make_plan(recipe, dataclasses.replace(pruning, sparsity=level), seed)


def _fitted_weights(init: InitSpec, fit: Fit | None) -> InitSpec:
    return TransferredWeights(init, fit) if fit else init


def encoded_for(vocabulary: str, source: DataSettings, target: DataSettings) -> DataSettings:
    """The target's data, with the vocabulary that the contract says.

    Raises:
        UserError: ``shared``, and the source's vocabulary was not counted on the target too; or one
            vocabulary of two sizes or of two kinds of words.
    """
    if vocabulary == "shared" and target.fingerprint not in {
        data.fingerprint for data in source.vocabulary_from
    }:
        command = program.line(
            "find_ticket", dataset=source.dataset, data_dir=source.data_dir,
            set=f"data.share_vocabulary={target.dataset}",
        )  # fmt: skip
        raise UserError(
            f"This ticket's vocabulary does not come from {target.dataset} too; find one with: "
            f"{command}"
        )
    if vocabulary in ("reuse", "shared"):
        if target.vocabulary_size != source.vocabulary_size:
            raise UserError(
                f"With --vocabulary {vocabulary} the target has the ticket's vocabulary, of "
                f"{source.vocabulary_size} words; leave out data.vocabulary_size, or give "
                "--vocabulary remap or drop."
            )
        for key in ("tokens", "symbols"):
            if getattr(target, key) != getattr(source, key):
                raise UserError(
                    f"With --vocabulary {vocabulary} the target's words are made as the ticket's, "
                    f"by its data.{key}; leave data.{key} out, or give --vocabulary remap or drop."
                )
        return dataclasses.replace(target, vocabulary_from=source.vocabulary_from or (source,))
    return dataclasses.replace(target, vocabulary_from=())
