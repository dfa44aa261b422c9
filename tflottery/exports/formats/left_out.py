"""What is left out where many networks are stored in many forms, and some cannot be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class LeftOut:
    """How many networks each form is left out for, by reason."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, form: str, error: Exception) -> None:
        """Notes that a network is left out in a form."""
        self.counts[form, str(error).rstrip(".")] += 1

    @property
    def lines(self) -> tuple[str, ...]:
        """A sentence for each form and reason."""
        return tuple(
            f"{form} is left out{f' of {count} networks' if count > 1 else ''}: {reason}."
            for (form, reason), count in self.counts.items()
        )
