"""What a contrast is: two arms whose difference a claim is judged by, fixed before its seeds."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Literal, NamedTuple

from tflottery.experiments.claims.arms import STUDY, Arm

ABOVE, NOT_WORSE, EQUIVALENT, ABOVE_ELSE = (
    "above", "not worse", "equivalent", "above, else equivalent",
)  # fmt: skip
Asked = Literal["above", "not worse", "equivalent", "above, else equivalent"]
Measure = Literal["test_accuracy", "steps_to_dense"]


class Gain(NamedTuple):
    """The first arm minus the second, in an experiment with the networks of a study."""

    study: str
    first: Arm
    second: Arm


class Place(NamedTuple):
    """Where numbers are found: an experiment with the networks of a study on a data set, and where
    it is a transfer, the target, and the study whose text settings and training it has there."""

    experiment: str
    study: str
    dataset: str
    to: str
    to_study: str = ""


@dataclass(frozen=True)
class Contrast:
    """The first arm minus the second, asked of the mean over some levels, by seed.

    ``experiment`` is what trained them: the study itself, or a transfer ``to`` a target or a search
    of learning rates with the networks of that study. ``to_study``: on the target texts are read
    and networks trained as in that one, not as in ``study``. ``minus_study``: the same difference
    there is taken off again; ``minus``: that of two other arms is. ``second_seeds``: of the second
    arm, where it has more. ``margins`` are in points, the widest first. ``written``: when, in UTC.
    ``replaces``: the entry that this one amends. ``beside``: it is of the claim's family, and
    decides nothing of the claim. ``exception``: in what it was not written before all that it looks
    at, a sentence.
    """

    name: str
    claim: str
    says: str
    study: str
    minus_study: str
    dataset: str
    measure: str
    first: Arm
    second: Arm
    levels: tuple[float, ...]
    asked: str
    margins: tuple[float, ...]
    seeds: tuple[int, ...]
    second_seeds: tuple[int, ...]
    written: datetime.datetime
    replaces: str
    experiment: str = STUDY
    to: str = ""
    minus: tuple[Arm, ...] = ()
    beside: bool = False
    to_study: str = ""
    exception: str = ""

    @property
    def when(self) -> str:
        """When it was written: the day, and the time where the file has one."""
        has_time = self.written.time() != datetime.time()
        return f"{self.written:%Y-%m-%d %H:%M} UTC" if has_time else f"{self.written:%Y-%m-%d}"

    @property
    def gains(self) -> tuple[Gain, ...]:
        """What is compared: one gain, or one and another that is taken off it."""
        own = Gain(self.study, self.first, self.second)
        if self.minus:
            return own, Gain(self.study, *self.minus)
        return (own, own._replace(study=self.minus_study)) if self.minus_study else (own,)

    @property
    def is_paired(self) -> bool:
        """Whether both arms share each seed's initial weights or mask. Dense networks are compared
        as groups, and so are two gains."""
        return len(self.gains) == 1 and self.first.is_pair(self.second)

    @property
    def unit(self) -> str:
        return "points" if self.measure == "test_accuracy" else "steps"

    @property
    def studies(self) -> tuple[str, ...]:
        """The studies whose networks it needs."""
        return tuple(dict.fromkeys(gain.study for gain in self.gains))

    def place(self, study: str = "") -> Place:
        """Where the numbers of one of its studies are, by default of the first."""
        return Place(self.experiment, study or self.study, self.dataset, self.to, self.to_study)

    @property
    def places(self) -> list[Place]:
        """Where all of its numbers are."""
        return [self.place(study) for study in self.studies]


@dataclass(frozen=True)
class Contrasts:
    """All contrasts of a file; those that were replaced are kept and judge nothing."""

    all: tuple[Contrast, ...]

    @property
    def current(self) -> list[Contrast]:
        """Those that nothing replaces, each where the one that it came to replace stands."""
        newer = {one.replaces: one for one in self.all if one.replaces}

        def newest(one: Contrast) -> Contrast:
            while one.name in newer:
                one = newer[one.name]
            return one

        return [newest(one) for one in self.all if not one.replaces]

    @property
    def replaced(self) -> list[Contrast]:
        old = {one.replaces for one in self.all}
        return [one for one in self.all if one.name in old]

    def family(self, claim: str) -> list[Contrast]:
        """The contrasts of a claim, which Holm's correction is over."""
        return [one for one in self.current if one.claim == claim]
