"""What a budget may choose from, for every network that comes along."""

from __future__ import annotations

import dataclasses

import pytest

from tests import exported
from tests.conftest import SMALL
from tests.exported import make_ticket
from tflottery.exports.fast import candidates
from tflottery.exports.fast.candidates import ROWS, trainings
from tflottery.runs.pruned import Pruned

NAMES = [row.name for row in ROWS]
WITHOUT_COLUMNS = [row.name for row in ROWS if not row.rates]


def chains_of(folder, model: str, network=None):
    ticket = make_ticket(folder / "given", model, fingerprint="f")
    recipe = ticket.recipe
    if network is not None:
        recipe = dataclasses.replace(recipe, model=network)
    costs = {units.layer: 1.0 for units in recipe.model.unit_layers()}
    return candidates.chains(ticket, recipe, costs)


@pytest.mark.parametrize("model", sorted(SMALL))
def test_every_network_has_candidates(tmp_path, model):
    chains = chains_of(tmp_path, model)
    # The columns of a transformer's embedding are no units.
    expected = WITHOUT_COLUMNS if model == "transformer" else NAMES
    assert [chain.name for chain in chains] == expected
    assert len(trainings(chains)) == 1 + 7 * len(expected)


@pytest.mark.parametrize("model", sorted(SMALL))
def test_no_rate_is_given_to_vectors_that_are_frozen(tmp_path, model):
    frozen = dataclasses.replace(SMALL[model], vectors_hash="a" * 64, vectors_frozen=True)
    chains = chains_of(tmp_path, model, frozen)
    assert [chain.name for chain in chains] == WITHOUT_COLUMNS


@pytest.mark.parametrize("is_asked", [False, True])
def test_heads_are_pruned_where_the_ticket_s_were(tmp_path, monkeypatch, is_asked):
    monkeypatch.setitem(exported.ABOUT, "criterion", "filters")
    monkeypatch.setitem(exported.ABOUT, "attention_heads", is_asked)
    chains = chains_of(tmp_path, "transformer")
    masks = [level.ticket.mask for chain in chains for level in chain.plan.levels]
    assert all(isinstance(mask, Pruned) and mask.attention_heads is is_asked for mask in masks)
