"""Rows that cannot be read and rows with something odd, as lines for the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tflottery.data.reading.records import Fault, shown

_SHOWN = 5


def counted(count: int, thing: str) -> str:
    return f"{count:,} {thing} is" if count == 1 else f"{count:,} {thing}s are"


@dataclass
class Places:
    """Where something was seen: the first places and how many."""

    first: list[object] = field(default_factory=list)
    count: int = 0

    def add(self, place: object, seen: bool = True) -> None:
        if seen:
            self.count += 1
            if len(self.first) < _SHOWN:
                self.first.append(place)

    def add_many(self, places: Sequence[object]) -> None:
        self.count += len(places)
        self.first.extend(list(places[: max(_SHOWN - len(self.first), 0)]))

    def leave_off(self, last: int) -> None:
        """Forgets the last places."""
        self.count -= last
        del self.first[self.count :]

    def words(self, unit: str) -> str:
        more = f" and {self.count - len(self.first):,} more" if self.count > _SHOWN else ""
        plural = "s" * (self.count > 1 and bool(unit))
        named = ", ".join(shown(place) for place in self.first)
        return f"{unit}{plural} {named}{more} {'have' if self.count > 1 else 'has'}".lstrip()


@dataclass
class BadRows:
    """The rows that cannot be read: the first five, how many, and the mends."""

    where: str
    unit: str
    first: list[Fault] = field(default_factory=list)
    count: int = 0
    lines: int = 0

    def add(self, fault: Fault) -> None:
        self.count += 1
        self.lines += fault.lines
        # Suspects are found last and may come first.
        self.first.append(fault)
        if len(self.first) > _SHOWN:
            self.first.sort(key=_place_order)
            self.first.pop()

    def message(self) -> str:
        unit = self.unit or "line"
        mends = " ".join(dict.fromkeys(fault.mend for fault in self.first))
        mends = mends.replace("the line", f"the {unit}")
        return f"{self._named()}. {mends} Or leave such {unit}s out with --set data.skip_bad=true."

    def remark(self) -> str:
        lines = f" ({self.lines:,} lines)" if self.lines != self.count else ""
        verb = "is" if self.count == 1 else "are"
        return (
            f"{self.count:,} bad {self.unit or 'file'}{'s' * (self.count > 1)}{lines} {verb} left "
            f"out: {self._named()}."
        )

    def _named(self) -> str:
        by_what: dict[str, list[str]] = {}
        for fault in self.first:
            by_what.setdefault(fault.what, []).append(shown(fault.place))
        parts = []
        for what, places in by_what.items():
            plural = "s" * (len(places) > 1)
            place = f"{self.unit}{plural} {', '.join(places)}" if self.unit else ", ".join(places)
            parts.append(f"{place}: {what}")
        more = self.count - len(self.first)
        rest = f"; {self.count:,} bad {self.unit or 'file'}s in all" if more else ""
        joint = ", " if self.unit else ": "
        return f"{self.where}{joint}{'; '.join(parts)}{rest}"


def _place_order(fault: Fault) -> tuple[int, str]:
    return (fault.place, "") if isinstance(fault.place, int) else (0, fault.place)
