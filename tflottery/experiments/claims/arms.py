"""The arms of contrasts: what a study, a transfer or a search of learning rates trained.

Each experiment has a kind of arm, with the fields by which its tables name a network. They all say
of themselves what judging has to know, so that nothing else asks which kind one is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Protocol, get_args

from tflottery.errors import UserError, suggest
from tflottery.experiments import names
from tflottery.experiments.learning_rate.arms import ARMS as TUNED
from tflottery.experiments.learning_rate.arms import DENSE as NOT_PRUNED
from tflottery.experiments.learning_rate.arms import REINIT, TICKET
from tflottery.experiments.study.cells import Arm as StudyArm
from tflottery.experiments.transfer.arms import DENSE_ARM, INITS, MASKS
from tflottery.report.numbers import rate
from tflottery.settings import from_table

Experiment = Literal["study", "transfer", "learning_rate"]
STUDY, TRANSFER, LEARNING_RATE = EXPERIMENTS = get_args(Experiment)
# An experiment within a sentence.
IN_WORDS = {STUDY: "a study", TRANSFER: "a transfer", LEARNING_RATE: "a search of learning rates"}


class Arm(Protocol):
    """What is trained, whatever its sparsity."""

    @property
    def in_words(self) -> str:
        """Its name within a sentence."""

    @property
    def is_dense(self) -> bool:
        """Whether it is not pruned."""

    @property
    def has_level(self) -> bool:
        """Whether it differs by level."""

    def is_pair(self, other: Any) -> bool:
        """Whether it shares each seed's initial weights or mask with another arm of its kind, so
        that the seeds of both are pairs."""


@dataclass(frozen=True)
class TransferArm:
    """A mask and weights on the target, by the names in ``transfer.design``."""

    mask: str
    init: str

    @property
    def in_words(self) -> str:
        return names.transfer_arm(self.mask, self.init)

    @property
    def is_dense(self) -> bool:
        return (self.mask, self.init) == DENSE_ARM

    @property
    def has_level(self) -> bool:
        return not self.is_dense

    def is_pair(self, other: TransferArm) -> bool:
        # The target's own ticket has neither mask nor weights of the source's: its seed is another.
        if self.is_dense or other.is_dense:
            return False
        return self.mask == other.mask or self.init == other.init


@dataclass(frozen=True)
class RateArm:
    """A network of a search at a learning rate; all else is as configured."""

    network: str
    learning_rate: float

    @property
    def in_words(self) -> str:
        return f"{names.tuned_arm(self.network)} at {rate(self.learning_rate)}"

    @property
    def is_dense(self) -> bool:
        return self.network == NOT_PRUNED

    @property
    def has_level(self) -> bool:
        return not self.is_dense

    def is_pair(self, other: RateArm) -> bool:
        # A network has the same initial weights at every rate; ``reinit`` has the ticket's mask.
        both = {self.network, other.network}
        return len(both) == 1 or both == {TICKET, REINIT}


@dataclass(frozen=True)
class _StudyEntry:
    part: str = ""
    method: str = ""
    mask: str = ""
    init: str = ""


@dataclass(frozen=True)
class _TransferEntry:
    mask: str = ""
    init: str = ""


@dataclass(frozen=True)
class _RateEntry:
    network: str = ""
    learning_rate: float = 0.0


_KINDS: Mapping[str, tuple[type[Any], type[Any]]] = {
    STUDY: (_StudyEntry, StudyArm),
    TRANSFER: (_TransferEntry, TransferArm),
    LEARNING_RATE: (_RateEntry, RateArm),
}


def read_arm(name: str, table: Mapping[str, Any]) -> tuple[str, Arm]:
    """The experiment and the arm of an entry ``[arm.NAME]``.

    Raises:
        UserError: a key or a value is wrong.
    """
    here = f"arm.{name}"
    given = dict(table)
    experiment = given.pop("experiment", STUDY)
    if experiment not in EXPERIMENTS:
        raise UserError(
            f"{here}.experiment is not {experiment!r}. {suggest(str(experiment), EXPERIMENTS)}"
        )
    of, kind = _KINDS[experiment]
    entry = from_table(of, here, given)
    values = {item.name: getattr(entry, item.name) for item in fields(of)}
    for key, value in values.items():
        if not value:
            raise UserError(f"{here} has no {key}.")
    made: Arm = kind(**values)
    if isinstance(made, TransferArm):
        _check_transfer(here, made)
    if isinstance(made, RateArm):
        _check_rate(here, made)
    return experiment, made


def _check_transfer(here: str, arm: TransferArm) -> None:
    for key, value, dense, known in (
        ("mask", arm.mask, DENSE_ARM[0], MASKS),
        ("init", arm.init, DENSE_ARM[1], INITS),
    ):
        if value not in (dense, *known):
            raise UserError(f"{here}.{key} is not {value!r}. {suggest(value, (dense, *known))}")
    if (arm.mask == DENSE_ARM[0]) != (arm.init == DENSE_ARM[1]):
        raise UserError(f"{here}: a transfer trains {arm.mask} masks not with {arm.init} weights.")


def _check_rate(here: str, arm: RateArm) -> None:
    known = (NOT_PRUNED, *TUNED)
    if arm.network not in known:
        raise UserError(f"{here}.network is not {arm.network!r}. {suggest(arm.network, known)}")
    if not 0 < arm.learning_rate < float("inf"):
        raise UserError(f"{here}.learning_rate is above 0, not {arm.learning_rate:g}.")
