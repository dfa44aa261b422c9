"""What trainings cost: their number, and about how long they take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Trainings, and about how many seconds they take one after the other; None where nothing
    tells."""

    trainings: float
    seconds: float | None

    def times(self, count: int) -> Cost:
        return Cost(self.trainings * count, None if self.seconds is None else self.seconds * count)

    def plus(self, other: Cost) -> Cost:
        known = self.seconds is not None and other.seconds is not None
        return Cost(
            self.trainings + other.trainings,
            self.seconds + other.seconds if known else None,  # type: ignore[operator]
        )

    __add__ = plus
