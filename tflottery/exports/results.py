"""What ``export`` gives: a published model, or measurements."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tflottery import program
from tflottery.errors import TflotteryError
from tflottery.exports.fast.candidates import Chain, trainings
from tflottery.runs.store import Store
from tflottery.tickets.ticket import Ticket

if TYPE_CHECKING:
    import pandas as pd

    from tflottery.experiments.ticket.result import FoundTicket
    from tflottery.exports.comparison import Comparison
    from tflottery.exports.fast.budget import Budget
    from tflottery.exports.fast.chosen import Chosen
    from tflottery.exports.formats.beside import Beside


@dataclass(frozen=True)
class Exported:
    """A published model.

    ``ticket``: what was exported. ``folder``: the folder of its version. ``checked``: a sentence on
    how its scores were compared with the Python model's. ``found``: with ``structured`` or
    ``budget``, the search for a ticket of whole units. ``size``: a sentence on weights and bytes.
    ``beside``: the files of other formats, each with its size and what was found when it was
    checked. ``chosen``: with ``budget``, what was measured, and what the model gained and gave up;
    ``searched``: the page and the table of it, in the model's folder.
    ``remarks``: what to mind, a line each. ``store``: where trainings and encoded data are kept.
    """

    ticket: Ticket
    folder: Path
    checked: str
    found: FoundTicket | None = None
    size: str = ""
    beside: tuple[Beside, ...] = ()
    chosen: Chosen | None = None
    searched: tuple[Path, ...] = ()
    remarks: tuple[str, ...] = ()
    store: Store | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self.folder.parent.name

    @property
    def version(self) -> int:
        """The model's version, from 1 on."""
        return int(self.folder.name)

    @cached_property
    def example(self) -> str:
        """A text to ask about: the beginning of a test text, where the store holds the data."""
        from tflottery.exports import example

        return example.example_text(self.ticket, self.store) if self.store else example.ANY

    @property
    def serve(self) -> tuple[str, str]:
        """Shell commands that serve the model to this machine alone: by Docker, and by Compose."""
        from tflottery.exports.serving_files import COMPOSE, docker_run

        base = self.folder.parent
        compose = program.quoted(str(base / COMPOSE))
        return docker_run(base), f"docker compose -f {compose} up"

    @property
    def ask(self) -> tuple[str, str]:
        """Shell commands that ask about the example: a server by REST, and the model here."""
        from tflottery.exports.serving_files import curl

        here = program.line("predict", self.example, model=str(self.folder.parent))
        return curl(self.name, self.example), here


class BudgetNotMetError(TflotteryError):
    """No network that was tried meets a budget. ``exported``: the one that comes nearest, which is
    published all the same."""

    def __init__(self, exported: Exported) -> None:
        chosen = exported.chosen
        assert chosen is not None
        super().__init__(
            f"{chosen.sentence} It is exported as {exported.folder}, its ticket is "
            f"{exported.ticket.folder}."
        )
        self.exported = exported


@dataclass(frozen=True)
class Compared:
    """Sizes, speeds and accuracies of a ticket's variants.

    ``markdown``: the tables as text. ``files``: the files that were written. ``found``: with
    ``structured``, the search for a ticket of whole units.
    """

    comparison: Comparison
    markdown: str
    files: tuple[Path, ...]
    found: FoundTicket | None = None


@dataclass(frozen=True)
class PlannedBudget:
    """What a search for a budget would train, at most: ``chains`` are tried in order."""

    budget: Budget
    chains: tuple[Chain, ...]
    store: Store

    @property
    def total(self) -> int:
        """Trainings that the whole search takes at most, networks halfway between levels and the
        reinit of the chosen network among them."""
        return len(trainings(self.chains)) + self._more

    @property
    def missing(self) -> int:
        """Those of them that are to be trained now, at most."""
        return int((~self.runs["done"]).sum()) + self._more

    @property
    def _more(self) -> int:
        """What is not known beforehand: a network halfway for each chain, and the reinit."""
        of_chains = 0 if self.budget.of == "accuracy" else sum(not c.is_known for c in self.chains)
        return of_chains + 1

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row a run, in the order in which they are tried, those that are looked at and not
        trained at the end: ``pruned`` (how), ``network``, ``sparsity`` (of units, a fraction),
        ``done`` (bool: in the store), ``run_key``."""
        import pandas as pd

        from tflottery.runs.realise import Realiser

        asked = [level.ticket for chain in self.chains for level in chain.plan.levels]
        realise = Realiser(self.store, asked)
        dense = self.chains[0].plan.dense
        rows = [("dense", "dense", 0.0, dense)]
        for chain in self.chains:
            for level in chain.plan.levels:
                if not chain.is_known or realise.is_done(level.ticket):
                    name = f"round {level.number}"
                    rows.append((chain.name, name, level.sparsity, level.ticket))
        columns = ["pruned", "network", "sparsity", "done", "run_key"]
        found = [(*row[:3], realise.is_done(row[3]), row[3].key) for row in rows]
        return pd.DataFrame(found, columns=columns)

    def __repr__(self) -> str:
        return f"<PlannedBudget: {self.missing} of {self.total} runs to train at most>"
