"""What a budget chooses, of networks that say, take and store what a test wants them to."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests import exported
from tests.chains import RECIPE
from tests.exported import CORPUS, drawn_texts, make_ticket
from tflottery.errors import TflotteryError, TrainingError
from tflottery.exports.fast import candidates, choosing, forms
from tflottery.exports.fast.budget import parse
from tflottery.exports.fast.choosing import Choosing
from tflottery.exports.fast.chosen import Chosen
from tflottery.exports.formats.tflite import UnconvertibleError
from tflottery.exports.measuring import Size, Speed
from tflottery.runs.predictions import Predictions

ROUNDS, MORE_ROUNDS = choosing._ROUNDS, choosing._MORE_ROUNDS
COSTS = dict.fromkeys(("embedding", "conv_3", "conv_4", "conv_5"), 1.0)
RANDOM = np.random.default_rng(1)
TEXTS = dataclasses.replace(
    CORPUS, validation=drawn_texts(RANDOM, 50), test=drawn_texts(RANDOM, 50)
)


@dataclass(frozen=True)
class Fake:
    """What a network is: right answers of 50 on either split, times as fast as dense in the short
    measurement and in the long one, bytes of dense's 1,000."""

    validation: int = 40
    test: int = 40
    short: float = 1.0
    long: float | None = None
    size: int = 1_000

    def throughput(self, rounds: int) -> float:
        return self.short if rounds == ROUNDS or self.long is None else self.long


class Realise:
    """A realiser without trainings: what was asked for, and what networks say."""

    def __init__(self, networks: Mapping[str, Fake]) -> None:
        self.networks, self.asked = networks, []

    def __call__(self, spec):
        if spec.key not in self.networks:
            raise TrainingError("diverged")
        self.asked.append(spec.key)
        return SimpleNamespace(snapshot=lambda _: spec.key, masks=dict)

    def is_done(self, spec) -> bool:
        return False

    def predictions(self, spec):
        one = self.networks[spec.key]
        splits = {"validation": one.validation, "test": one.test}
        return {
            name: Predictions(
                np.zeros(50, np.int32), np.where(np.arange(50)[:, np.newaxis] < right, -1.0, 1.0)
            )
            for name, right in splits.items()
        }


@pytest.fixture
def ticket(tmp_path):
    return make_ticket(tmp_path / "tickets" / "given", "cnn")


@pytest.fixture
def chains(ticket):
    return candidates.chains(ticket, RECIPE, COSTS)[:2]


@pytest.fixture
def choose(ticket, chains, monkeypatch):
    """Chooses by a budget between dense, the levels of two chains and what lies halfway between
    levels, by the number of the chain, from 0 on, and of the level; what has no network fails."""

    def call(
        budget: str,
        *of_chains: list[Fake],
        tickets: Mapping[str, Fake] | None = None,
        halves: Mapping[tuple[int, int], Fake] | None = None,
        tried_in: tuple[str, ...] = ("SavedModel",),
        cannot: Callable[[str, str], bool] = lambda form, key: False,
    ):
        named = {chains[0].plan.dense.key: Fake(), **(tickets or {})}
        for chain, fakes in zip(chains, of_chains, strict=False):
            levels = (level.ticket.key for level in chain.plan.levels)
            named |= dict(zip(levels, fakes, strict=False))
        for (chain, number), fake in (halves or {}).items():
            half = chains[chain].halfway(number, ticket).plan.levels[-1]
            named[half.ticket.key] = fake

        def write(form, of, vocabulary, examples, folder):
            if cannot(form, of):
                raise UnconvertibleError("the converter fails")
            (folder / "key").write_text(of)
            return folder / "key"

        def network_of(model: Path) -> Fake:
            return named[model.read_text()]

        def speeds(models, texts, length, rounds):
            assert texts is TEXTS.validation
            return {
                name: Speed(0, {32: np.full(2, 1 / network_of(model).throughput(rounds))})
                for name, model in models.items()
            }

        def sizes(models, vocabulary):
            return {name: Size(0, network_of(model).size, 0) for name, model in models.items()}

        def scores(model, texts, length):
            one = network_of(model)
            right = one.validation if texts is TEXTS.validation else one.test
            said = np.where(np.arange(50) < right, texts.labels, 1 - texts.labels)
            return np.eye(2)[said]

        for module, name, fake in (
            (forms, "write", write), (forms, "speeds", speeds), (forms, "scores", scores),
            (forms, "sizes", sizes),
            (choosing, "compact", lambda key: key),
            (choosing.network, "of_weights", lambda ticket, key, masks: key),
            (choosing.network, "of_ticket", lambda ticket: ticket.about["run_key"]),
        ):  # fmt: skip
            monkeypatch.setattr(module, name, fake)
        realise, asked = Realise(named), parse(budget)
        given = Choosing(ticket, asked, tried_in, TEXTS, np.zeros((1, 12)), realise)
        return given.choose(chains, candidates.as_they_are(ticket, asked)), realise

    return call


def chosen_in(chosen: Chosen, chains) -> tuple[int, int]:
    """The number of the chain, from 0 on, and of the level, from 1 on."""
    best = chosen.best
    return [chain is best.of for chain in chains].index(True), best.level.number


def test_validation_alone_chooses(choose, chains):
    good = Fake(validation=39, test=10, short=3.0)
    bad = Fake(validation=30, test=50, short=3.5)
    chosen, _ = choose("throughput 3x", [bad], [good])
    assert chosen_in(chosen, chains) == (1, 1)
    assert chosen.best.reached.accuracy == -2 and chosen.accuracy == 0.2
    assert chosen.tried[0].reached.accuracy == -20
    chosen, _ = choose("accuracy -2", [bad], [good])
    assert chosen_in(chosen, chains) == (1, 1)


def test_only_what_misses_a_budget_of_accuracy_beyond_its_error_ends_a_chain(choose, chains):
    """Of 50 texts one more or less is 2 points. Its squared error: 49 times the variance of 200,
    two texts more that speak for each side, 100², and 2 · 50 · 2² / 52 for the mean; over 52²."""
    near = [Fake(validation=39), Fake(validation=39), Fake(validation=40, short=3.0)]
    chosen, _ = choose("accuracy -1", near)
    assert chosen_in(chosen, chains) == (0, 3) and chosen.is_met
    assert [one.may_meet(chosen.budget) for one in chosen.tried] == [True, True, True]
    squares = 49 * 200 + 100**2 + 2 * 50 * 2**2 / 52
    assert chosen.tried[0].error == pytest.approx(squares**0.5 / 52)
    far = [Fake(validation=30), Fake(validation=30), Fake(validation=40, short=3.0)]
    chosen, _ = choose("accuracy -1", far)
    assert len(chosen.tried) == 2 and not chosen.is_met


def test_what_is_told_is_measured_anew(choose, chains):
    chosen, realise = choose("throughput 3x", [Fake(short=2.0), Fake(short=3.4, long=3.1)])
    assert chosen_in(chosen, chains) == (0, 2) and chosen.is_met
    assert chosen.best.reached.throughput == pytest.approx(3.1)
    assert chosen.tried[0].reached.throughput == pytest.approx(2.0)
    assert len(set(realise.asked)) == 3


def test_what_only_seemed_to_meet_a_budget_gives_way_and_its_chain_goes_on(choose, chains):
    levels = [Fake(short=2.0), Fake(short=3.02, long=2.9), Fake(validation=38, short=3.5)]
    chosen, _ = choose("throughput 3x", levels)
    assert chosen_in(chosen, chains) == (0, 3) and chosen.is_met
    assert [round(one.reached.throughput, 2) for one in chosen.tried] == [2.0, 2.9, 3.5]
    # The next best of another chain meets it: then only the accuracy decides.
    chosen, _ = choose("throughput 3x", levels, [Fake(validation=39, short=3.2)])
    assert chosen_in(chosen, chains) == (1, 1) and chosen.is_met


def test_between_what_misses_a_budget_and_what_meets_it_one_more_is_tried(choose, chains, ticket):
    levels = [Fake(validation=39, short=2.0), Fake(validation=36, short=3.9)]
    chosen, realise = choose("throughput 3x", levels, halves={(0, 2): Fake(38, short=3.1)})
    assert chosen.is_met and chosen.best.reached.throughput == pytest.approx(3.1)
    assert [one.sparsity for one in chosen.tried] == pytest.approx([0.2, 0.36, 0.284])
    # Its ticket is planned as a chain that ends there, by the networks that there are.
    best = chosen.best
    plan = best.of.to(best.level, RECIPE, ticket)
    keys = [level.ticket.key for level in plan.levels]
    assert keys == [chains[0].plan.levels[0].ticket.key, best.level.ticket.key]
    assert realise.asked[-1] == best.level.ticket.key
    # It is one of those that are told beforehand.
    halves = candidates.halves(chains, chosen.budget, ticket)
    assert best.level.ticket in halves[chains[0].name] and list(halves) == [c.name for c in chains]
    # Where it misses, or is less accurate, the level is taken; a budget of accuracy needs none.
    for half in (Fake(38, short=2.9), Fake(38, short=3.1, long=2.9), Fake(35, short=3.1)):
        chosen, _ = choose("throughput 3x", levels, halves={(0, 2): half})
        assert chosen_in(chosen, chains) == (0, 2) and len(chosen.tried) == 3
    chosen, _ = choose("accuracy -99", levels, halves={(0, 2): Fake(38, short=9.0)})
    assert len(chosen.tried) == 2
    assert candidates.halves(chains, chosen.budget, ticket) == {}


def test_what_was_tried_halfway_is_not_looked_at_again(choose, chains, ticket, monkeypatch):
    """Its ticket may lie beside the given one, from the search before."""
    half = chains[0].halfway(1, ticket)
    chains.append(dataclasses.replace(half, name="known", is_known=True))
    monkeypatch.setattr(Realise, "is_done", lambda self, spec: spec.key in self.networks)
    levels = [Fake(36, short=3)]
    chosen, _ = choose("throughput 2x", levels, halves={(0, 1): Fake(39, short=2.1)})
    assert [one.chain for one in chosen.tried] == [chains[0].name] * 2


def test_between_dense_and_the_first_level_there_is_one_too(choose):
    chosen, _ = choose("throughput 2x", [Fake(36, short=3)], halves={(0, 1): Fake(39, short=2.1)})
    assert chosen.best.sparsity == pytest.approx(0.106) and chosen.is_met


def test_a_chain_ends_where_its_levels_do(choose, chains):
    chosen, realise = choose("throughput 3x", [Fake(short=3.02, long=2.9)] * 7)
    assert len(chosen.tried) == 7 and not chosen.is_met
    assert chosen.best.reached.throughput == pytest.approx(2.9)
    assert len(set(realise.asked)) == 8  # and dense: nothing is tried twice


def test_a_ticket_that_is_small_enough_is_taken_as_it_is(choose, ticket, tmp_path, monkeypatch):
    monkeypatch.setitem(exported.ABOUT, "run_key", "other")
    make_ticket(tmp_path / "tickets" / "other", "cnn")
    given, other = Fake(validation=39, size=70), Fake(validation=38, size=60)
    levels = [Fake(validation=40, size=500), Fake(validation=36, size=50)]
    chosen, _ = choose("size 12x", levels, tickets={"k": given, "other": other})
    assert chosen.is_met and chosen.best.ticket.folder == ticket.folder
    assert chosen.best.of is None and chosen.best.reached.accuracy == -2
    percent = f"{100 * ticket.about['sparsity']:.1f} % of weights pruned, SavedModel"
    assert f"size 12x: met by the given ticket, {percent}, of 4 measured" in chosen.sentence
    assert [one.ticket is not None for one in chosen.tried] == [True, True, False, False]
    assert chosen.tried[1].chain == "the ticket other"
    # Where whole units lose less it is they.
    better = [Fake(validation=40, size=50)]
    chosen, _ = choose("size 12x", better, tickets={"k": given, "other": other})
    assert chosen.best.of is not None
    # Zeros make nothing faster.
    chosen, _ = choose("throughput 2x", [Fake(short=2.5)], tickets={"k": given, "other": other})
    assert len(chosen.tried) == 1


def test_tickets_without_trained_weights_are_passed_over(ticket, tmp_path, monkeypatch):
    size = parse("size 12x")
    assert [one.folder.name for one in candidates.as_they_are(ticket, size)] == ["given"]
    bare = {name: sum_ for name, sum_ in ticket.about["files"].items() if name != "final.npz"}
    untrained = dataclasses.replace(ticket, about={**ticket.about, "files": bare})
    monkeypatch.setattr(candidates, "beside", lambda _: iter(()))
    assert candidates.as_they_are(untrained, size) == []


def test_what_fails_is_no_candidate(choose, chains):
    chosen, _ = choose("throughput 2x", [], [Fake(short=2.5)])
    assert chosen_in(chosen, chains) == (1, 1) and len(chosen.tried) == 1
    with pytest.raises(TrainingError, match="no candidate could be trained"):
        choose("throughput 2x", [], [])


LITE = ("TFLite", "TFLite int8-full")


def test_a_form_that_the_network_cannot_be_stored_in_is_dropped_once(choose):
    asked = []

    def cannot(form: str, key: str) -> bool:
        asked.append(form)
        return form == LITE[1]

    chosen, _ = choose("throughput 3x", [Fake(short=2.0), Fake(short=3.1)], tried_in=LITE,
                       cannot=cannot)  # fmt: skip
    assert {one.form for one in chosen.tried} == {LITE[0]} and len(chosen.tried) == 2
    assert chosen.is_met and asked.count(LITE[1]) == 1
    assert chosen.left_out == ("TFLite int8-full is left out: the converter fails.",)


def test_one_network_that_cannot_be_stored_in_a_form_leaves_that_form_to_others(choose, chains):
    first = chains[0].plan.levels[0].ticket.key
    chosen, _ = choose(
        "throughput 3x", [Fake(short=3.5), Fake(short=3.1)], tried_in=LITE,
        cannot=lambda form, key: key == first,
    )  # fmt: skip
    assert chosen_in(chosen, chains) == (0, 2) and len(chosen.tried) == 2
    assert chosen.left_out == tuple(f"{form} is left out: the converter fails." for form in LITE)


def test_where_no_form_is_left_nothing_is_trained(choose, chains):
    with pytest.raises(TflotteryError, match=r"^TFLite int8-full is left out: the converter fails"):
        choose("throughput 3x", [Fake(short=3.5)], tried_in=LITE[1:],
               cannot=lambda form, key: form == LITE[1])  # fmt: skip
