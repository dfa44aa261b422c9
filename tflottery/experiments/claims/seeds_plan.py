"""What is shown of the seeds that contrasts need: a table, a ``DataFrame``, lines on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich.table

from tflottery.errors import UserError, suggest
from tflottery.experiments.claims.arms import LEARNING_RATE, STUDY, TRANSFER
from tflottery.experiments.claims.contrast import NOT_WORSE, Contrast, Place
from tflottery.experiments.claims.contrasts import load
from tflottery.experiments.claims.found import pool
from tflottery.experiments.claims.planning import HALF, MATTERS, Need, Total, needs_of, totals
from tflottery.experiments.learning_rate.results import load_tunings
from tflottery.experiments.price import Cost
from tflottery.experiments.study.results import load_studies
from tflottery.experiments.transfer.results import load_transfers
from tflottery.report.numbers import NOTHING, number, seeds_in_words
from tflottery.report.outcomes import MARGINS
from tflottery.report.table import Column, Table
from tflottery.report.terminal import plain_table
from tflottery.settings import place

if TYPE_CHECKING:
    import pandas as pd

_HOUR = 3600


def table(needs: Sequence[Need]) -> Table | None:
    """The needs as a table; None where there are none."""
    if not needs:
        return None
    one, two = number(2), number(1)
    columns = [
        Column("claim", "claim", is_text=True),
        Column("says", "contrast", is_text=True),
        Column("deviation", "sd", group="spread"),
        Column("behind", "seeds", group="spread"),
        Column("half_width", f"± {HALF:g}", group="seeds needed for"),
        Column("difference", f"a difference of {MATTERS:g}", group="seeds needed for"),
        Column("not_worse", f"not worse by {MATTERS:g}", group="seeds needed for"),
        *(
            Column(f"within_{margin:g}", f"within {margin:g}", group="seeds needed for")
            for margin in MARGINS
        ),
        Column("careful", "careful", group="seeds needed for"),
        Column("planned", "seeds", group="planned"),
        Column("reach", "±", one, "planned"),
        Column("found", "finds", one, "planned"),
        Column("trainings", "trainings", number(0), "cost of 80 % power"),
        Column("hours", "hours", two, "cost of 80 % power"),
        Column("trainings_half", "trainings", number(0), f"cost of ± {HALF:g}"),
        Column("hours_half", "hours", two, f"cost of ± {HALF:g}"),
    ]
    extra = ["contrast", "asked", "unit"]
    return Table("seeds", columns, [_row(each) for each in needs], headers=2, extra=extra)


def _row(one: Need) -> dict[str, Any]:
    contrast = one.contrast
    asked, half = one.cost_of(one.asked), one.cost_of(one.half_width)
    return {
        "contrast": contrast.name,
        "asked": contrast.asked,
        "unit": contrast.unit,
        "claim": contrast.claim,
        "says": contrast.says,
        "deviation": " and ".join(f"{sd:.2f}" for sd in one.deviations) or None,
        "behind": " and ".join(map(str, one.counts)) or None,
        "half_width": one.half_width,
        "difference": one.difference,
        "not_worse": one.not_worse,
        **{
            f"within_{margin:g}": seeds
            for margin, seeds in zip(MARGINS, one.equivalent, strict=False)
        },
        "careful": one.careful,
        "planned": _planned(contrast),
        "reach": one.reach,
        "found": one.found,
        "trainings": asked.trainings if asked else None,
        "hours": _hours(asked),
        "trainings_half": half.trainings if half else None,
        "hours_half": _hours(half),
    }


def _hours(cost: Cost | None) -> float | None:
    return None if cost is None or cost.seconds is None else cost.seconds / _HOUR


def _planned(contrast: Contrast) -> str:
    seeds = seeds_in_words(contrast.seeds)
    if contrast.second_seeds == contrast.seeds:
        return seeds
    return f"{seeds}, dense {seeds_in_words(contrast.second_seeds)}"


@dataclass(frozen=True, repr=False)
class SeedsPlan:
    """How many seeds contrasts need: ``needs`` has each, ``totals`` what each study, transfer and
    search costs. ``unplanned``: contrasts that the store has nothing of to plan by."""

    needs: tuple[Need, ...]
    totals: tuple[Total, ...] = ()
    unplanned: tuple[Contrast, ...] = ()

    @cached_property
    def contrasts(self) -> pd.DataFrame:
        """A row a contrast: ``contrast``, ``claim``, ``says``, ``asked``; ``unit``, points or
        optimizer ``steps``, in which ``deviation`` (a text: of the differences by seed, or of both
        groups, as 0.22 and 0.24; ``behind``: of how many seeds), ``reach`` and ``found`` are; the
        seeds needed for ± 0.2 points (``half_width``) and at 80 % power (``difference`` of 0.5
        points, ``not_worse`` by 0.5, equivalent ``within_0.5`` and ``within_0.25``; ``careful``:
        for what is asked, if the deviation is as large as so few seeds allow), the ``planned``
        ones, the half-width that those give (``reach``) and the smallest difference that they find
        (``found``), and ``trainings`` and ``hours`` for 80 % power, and for ± 0.2
        (``trainings_half``, ``hours_half``)."""
        import pandas as pd

        return pd.DataFrame([_row(one) for one in self.needs])

    def terminal(self) -> rich.table.Table:
        """The same in 80 columns."""
        shown = plain_table("Seeds needed, from the standard deviations in the store")
        shown.padding = (0, 1, 0, 0)
        shown.add_column("contrast", no_wrap=True)
        for heading in (
            "sd", f"± {HALF:g}", f"{MATTERS:g}", *(f"= {margin:g}" for margin in MARGINS),
            "careful", "planned",
        ):  # fmt: skip
            shown.add_column(heading, justify="right", no_wrap=True)
        for one in self.needs:
            shown.add_row(
                one.contrast.name,
                "/".join(f"{sd:.2f}" for sd in one.deviations) or NOTHING,
                _shown(one.half_width),
                _shown(one.not_worse if one.contrast.asked == NOT_WORSE else one.difference),
                *(_shown(seeds) for seeds in one.equivalent or (None, None)),
                _shown(one.careful),
                str(len(one.contrast.seeds)),
            )
        shown.caption = (
            "sd: of the differences by seed, or of both groups, in points or optimizer steps. "
            f"± {HALF:g}: seeds for a 95 % interval of that half-width. With 80 % power: "
            f"{MATTERS:g}, to find a difference of {MATTERS:g} points, or to show that a ticket is "
            "not worse by that; "
            f"= {MARGINS[0]:g}, to show equivalence within that; careful, for what is asked if the "
            "sd is as large as so few seeds allow (upper 80 % limit)."
        )
        return shown

    @property
    def sentences(self) -> list[str]:
        """What the planned seeds of each study, transfer and search cost, all contrasts together;
        and what is not planned here."""
        return [*map(sentence, self.totals), *_not_planned(self.unplanned)]

    def __repr__(self) -> str:
        lines = "".join(
            f"\n  {one.contrast.name}: {_shown(one.half_width)} seeds for ± {HALF:g} points, "
            f"{_shown(one.asked)} for 80 % power, {len(one.contrast.seeds)} planned"
            for one in self.needs
        )
        return f"<SeedsPlan{lines}>"


def sentence(total: Total) -> str:
    """What the planned seeds of a study, a transfer or a search cost, all contrasts together."""
    more = f", and {total.more} more of dense," if total.more else ""
    hours = _hours(total.cost)
    lasting = (
        "; how long that lasts is not known here"
        if hours is None
        else f", about {hours:.1f} hours one after the other"
    )
    without = f", without {', '.join(total.without)}, of which it has no cells"
    return (
        f"{_in_words(total.place)}: {total.seeds} seeds as planned{more} take "
        f"{round(total.cost.trainings):,} trainings{lasting}{without if total.without else ''}."
    )


def _not_planned(contrasts: Sequence[Contrast]) -> list[str]:
    """A line for each place that the store has nothing of."""
    lines = []
    for where in dict.fromkeys(one.place() for one in contrasts):
        of_it = [one.name for one in contrasts if one.place() == where]
        lines.append(
            f"Not planned here, as the store has no {_in_words(where)}: {', '.join(of_it)}."
        )
    return lines


def _in_words(where: Place) -> str:
    if where.experiment == TRANSFER:
        return f"transfer of {where.study} from {where.dataset} to {where.to}"
    if where.experiment == LEARNING_RATE:
        return f"search of learning rates of {where.study}"
    return where.study


def _shown(seeds: int | None) -> str:
    return NOTHING if seeds is None else f"{seeds:,}"


def plan_seeds(store: str | Path = "runs", study: str = "") -> SeedsPlan:
    """How many seeds each contrast of the claims needs, and what they cost.

    From the standard deviations of the studies, transfers and searches of learning rates in a
    store: for a 95 % interval of ± 0.2 points, and for 80 % power of each test. Nothing is trained.

    >>> import tflottery as tfl
    >>> tfl.plan_seeds("runs")   # doctest: +SKIP

    Args:
        store: what ``run_study``, ``transfer`` and ``tune_learning_rate`` filled, or the folder of
            one of theirs.
        study: the name of one, as ``study_cnn``, or its TOML file; by default every one. Transfers
            and searches of its networks are among it.

    Returns:
        A need for each contrast; ``.contrasts`` has them as a ``DataFrame``.

    Raises:
        UserError: the store has nothing that a contrast is of.
    """
    store = place("store", store)
    if not store.is_dir():
        raise UserError(f"There is no folder {store}; give the store that bin/study filled.")
    found = pool(load_studies(store), load_transfers(store), load_tunings(store))
    known = load().current
    study = Path(study).stem if study.endswith(".toml") else study
    if study:
        known = [one for one in known if one.study == study]
        if not known:
            names = {one.study for one in load().current}
            raise UserError(f"No contrast is of the study {study!r}. {suggest(study, names)}")
    needs = needs_of(known, found)
    if not needs:
        raise UserError(
            f"{store} has no study that a contrast is of, so that there is no standard deviation "
            "to plan by; run bin/study with a few seeds first, or give --store the folder of one."
        )
    planned = [one.contrast for one in needs]
    # Of studies that are not there nothing is said: their seeds are planned where they are.
    unplanned = [one for one in known if not found.has(one) and one.experiment != STUDY]
    return SeedsPlan(tuple(needs), tuple(totals(planned, found)), tuple(unplanned))
