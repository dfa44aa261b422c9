"""An experiment that came to its end, as a call gives it: its answers, its report, how it shows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tflottery.notebook import as_html

if TYPE_CHECKING:
    from tflottery.report.answers import Said


class Finished(ABC):
    """What a study, a transfer and a search of learning rates give.

    ``folder``: its tables; None in a process that only helps another. ``cautions``: lines to be
    read beside any number.
    """

    folder: Path | None
    cautions: tuple[str, ...]

    @property
    @abstractmethod
    def _folder(self) -> Path:
        """The folder of its tables."""

    @property
    @abstractmethod
    def answers(self) -> list[Said]:
        """Its claims, with their outcomes and what those rest on."""

    def report(self, output: str | Path = "report") -> Path:
        """Writes the report; gives the path of its ``index.html``.

        Args:
            output: the folder; an older report there is replaced.

        Raises:
            UserError: the folder holds something else.
        """
        from tflottery.experiments.reports import write_report

        return write_report(self._folder, Path(output))

    def __repr__(self) -> str:
        lines = "".join(f"\n  {one.on_a_line}" for one in (self.answers if self.folder else []))
        return f"<{type(self).__name__}: {self.folder}{lines}>"

    def _repr_html_(self) -> str:
        import pandas as pd

        rows = [
            {
                "claim": one.claim,
                "outcome": one.outcome,
                "rests on": "; ".join(f"{label}: {effect.shown}" for label, effect in one.effects),
            }
            for one in self.answers
        ]
        notes = (*self.cautions, f"Tables: {self._folder}")
        return as_html(self._folder.name, pd.DataFrame(rows), notes)


@dataclass(frozen=True, repr=False)
class Written(Finished):
    """An experiment whose tables this process wrote: a study or a transfer.

    ``folder``: its tables. ``failures``: reasons by the keys of trainings that failed. ``trained``:
    trainings done now, of ``total`` in all; the others were in the store. ``cautions``: lines to be
    read beside any number.
    """

    folder: Path
    failures: Mapping[str, str]
    trained: int
    total: int
    cautions: tuple[str, ...]

    @property
    def _folder(self) -> Path:
        return self.folder
