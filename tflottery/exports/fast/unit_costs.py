"""What a unit of each layer costs, measured: how much less time a network takes with fewer units.

A network is timed whole, and with a quarter and half of one layer's units removed, layer by layer,
as SavedModels that take turns. What was measured is kept in the store, and a file that is there is
taken as it is: times differ from run to run, and masks must not.
"""

from __future__ import annotations

import dataclasses
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tflottery import activity, arithmetic, seeds
from tflottery.data.words.vocabulary import PADDING
from tflottery.errors import UserError
from tflottery.exports.fast.shown import BATCH, THREADS
from tflottery.files import (
    canonical_json,
    read_sealed,
    scratch_folder,
    seal,
    sha256_of_bytes,
    write_atomically,
)
from tflottery.models.units import Units
from tflottery.runs.specs import canonical_form
from tflottery.runs.store import Store
from tflottery.tickets.ticket import Ticket
from tflottery.toml import key_of_toml

FOLDER = "unit_costs"
_FORMAT = 1
_FEWER = (0.25, 0.5)
# Of the network's time, what all units of a layer count for at the least: less is noise, and a cost
# is above 0.
_LEAST = 1e-3
_DIGITS = 3


@dataclass(frozen=True)
class UnitCosts:
    """What a unit of each layer costs.

    ``costs``: microseconds by layer, for a batch of 32 texts with one thread. ``whole``: the
    microseconds that the whole network takes. ``machine``: where that was measured. ``file``: where
    it is kept; ``measured_now``: whether it was not there before.
    """

    costs: dict[str, float]
    whole: float
    machine: str
    file: Path
    measured_now: bool = False

    @property
    def setting(self) -> str:
        """As ``--set`` takes it, and ``set`` of a call."""
        listed = ", ".join(
            f"{key_of_toml(layer)}={cost:g}" for layer, cost in sorted(self.costs.items())
        )
        return f"pruning.costs={{{listed}}}"

    @property
    def sentence(self) -> str:
        """What was measured, and where it is kept."""
        when = "measured now" if self.measured_now else "measured before; delete the file to do so"
        listed = ", ".join(f"{layer} {cost:g}" for layer, cost in self.costs.items())
        return (
            f"Microseconds a unit, of {self.whole:,.0f} for {BATCH} texts with one thread: "
            f"{listed} ({self.machine}; {self.file}, {when})."
        )


def require_units(ticket: Ticket) -> tuple[Units, ...]:
    """The layers of units of a ticket's network.

    Raises:
        UserError: it does not tell them.
    """
    layers = ticket.recipe.model.unit_layers()
    if not layers:
        raise UserError(
            f"The network {ticket.recipe.model.name} does not say where its units lie, so there is "
            "nothing to measure or to prune whole; register a dataclass that has unit_layers."
        )
    return layers


def kept(ticket: Ticket, store: Store) -> UnitCosts | None:
    """The costs of a ticket's network that the store keeps; None if it has none.

    Raises:
        DamagedFileError: the file is damaged.
    """
    file = _file(ticket, store)
    if not file.exists():
        return None
    document = read_sealed(file, what="table of unit costs", format_version=_FORMAT)
    # Layers may have had units to an earlier tflottery that have none to this one.
    known = {units.layer for units in ticket.recipe.model.unit_layers()}
    costs = {layer: cost for layer, cost in document["costs"].items() if layer in known}
    return UnitCosts(costs, document["whole"], document["machine"], file)


def unit_costs(ticket: Ticket, store: Store) -> UnitCosts:
    """The costs of a ticket's network: those that the store keeps, else measured now, and kept.

    Only sizes decide them, so weights are drawn, and no data are read.

    Raises:
        UserError: the network does not tell its units.
        TflotteryError: it cannot be written or timed.
    """
    layers = require_units(ticket)
    if found := kept(ticket, store):
        return found
    with activity.doing("measuring what a unit of each layer costs", long=True):
        costs, whole = _measure(ticket, layers)
    machine = f"{os.cpu_count()} cores of {platform.machine()}, {arithmetic.instructions()}"
    file = _file(ticket, store)
    payload = {
        "format_version": _FORMAT, "costs": costs, "whole": whole, "machine": machine,
        "of": _sizes(ticket),
    }  # fmt: skip
    write_atomically(file, seal(payload))
    return UnitCosts(costs, whole, machine, file, measured_now=True)


def _sizes(ticket: Ticket) -> dict[str, Any]:
    """All that the costs depend on, beside the machine."""
    return {
        "model": canonical_form(ticket.recipe.model),
        "words": len(ticket.vocabulary),
        "classes": len(ticket.classes),
        "max_length": ticket.recipe.data.max_length,
        "batch": BATCH,
        "threads": THREADS,
    }


def _file(ticket: Ticket, store: Store) -> Path:
    digest = sha256_of_bytes(canonical_json(_sizes(ticket)).encode())
    return store.root / FOLDER / f"{ticket.recipe.model.name}-{digest[:16]}.json"


def _measure(ticket: Ticket, layers: tuple[Units, ...]) -> tuple[dict[str, float], float]:
    """Microseconds a unit by layer, and those of the whole network."""
    from tflottery.exports import measuring, network, saved_model
    from tflottery.exports.compaction import cut
    from tflottery.models import weights as named_weights
    from tflottery.models.architecture import Initializers

    model = ticket.architecture.build(len(ticket.vocabulary), len(ticket.classes), Initializers(0))
    whole = network.of_weights(ticket, named_weights.get(model), {})
    fewer = {
        (units.layer, count): units
        for units in layers
        for count in sorted({max(1, round(part * units.count)) for part in _FEWER})
        if count < units.count
    }
    networks = {"": whole}
    for (layer, count), units in fewer.items():
        removed = {one.layer: np.zeros(one.count, bool) for one in layers}
        removed[layer][units.count - count :] = True
        weights = {name: weight.copy() for name, weight in whole.weights.items()}
        smaller = dataclasses.replace(whole, weights=cut(layers, weights, removed))
        networks[f"{layer} {count}"] = smaller
    runs = {BATCH: measuring.RUNS[BATCH]}
    with scratch_folder() as temporary:
        models = {}
        for number, (name, one) in enumerate(networks.items()):
            folder = temporary / str(number)
            folder.mkdir()
            saved_model.save(one, ticket.vocabulary, folder)
            models[name] = {BATCH: folder}
        ids = _texts(len(ticket.vocabulary), whole.max_length)
        timed = measuring.speeds(models, ids, runs=runs, threads=THREADS)
    # Turns are paired: whatever slowed the machine in one slowed all models.
    turns = {
        name: 1e6 * speed.seconds[BATCH].reshape(-1, runs[BATCH]).mean(axis=1)
        for name, speed in timed.items()
    }
    total = float(np.median(turns[""]))
    return per_unit(
        {units.layer: units.count for units in layers},
        {
            (layer, count): float(np.median(turns[""] - turns[f"{layer} {count}"]))
            for layer, count in fewer
        },
        total,
    ), round(total, 1)


def per_unit(
    counts: dict[str, int], saved: dict[tuple[str, int], float], whole: float
) -> dict[str, float]:
    """Microseconds a unit of each layer: the slope of what was saved over how many units were gone.

    Args:
        counts: how many units each layer has.
        saved: microseconds by layer and number of units gone.
        whole: of the whole network; a layer counts for a thousandth of it at the least.
    """
    costs = {}
    for layer, count in counts.items():
        gone = {number: time for (name, number), time in saved.items() if name == layer}
        squares = sum(number**2 for number in gone)
        slope = sum(number * time for number, time in gone.items()) / squares if squares else 0.0
        costs[layer] = float(f"{max(slope, _LEAST * whole / count):.{_DIGITS}g}")
    return costs


def _texts(words: int, length: int) -> np.ndarray:
    """int32 [batch, length]: texts of full length whose words are as frequent as Zipf's law has
    it, since how long a row of the embedding takes depends on how often it was read."""
    random = seeds.generator("unit costs")
    ranks = np.exp(random.random((BATCH, length)) * np.log(max(words - 1, 2)))
    return np.clip(ranks.astype(np.int32), PADDING + 1, words - 1)
