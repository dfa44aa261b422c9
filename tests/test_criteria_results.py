"""What docs/results/criteria/README.md and docs/criteria.md state, recomputed."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.criteria_page import (
    AT_ONCE,
    BEFORE,
    CNN,
    COMPETING_ASKED,
    GLOBAL,
    IN_ROUNDS,
    LONGER,
    LSTM,
    LSTM_ASKED,
    ONCE,
    ROUNDS,
    SNIP,
    SYNFLOW,
    UNITS,
    WEIGHTS_ASKED,
    ZHOU,
    Named,
    accuracies,
    apart,
    asked_of_competing,
    asked_of_lstm,
    check,
    checks,
    gained,
    interval,
    longer,
    mean_and_half,
    of_competing_layers,
    shuffled,
    weights_asked,
)
from tests.recomputing import RESULTS, ROOT, read, t
from tests.test_outcomes import outcomes_of

PAGE = (RESULTS / "criteria" / "README.md").read_text(encoding="utf-8")
CRITERIA = (ROOT / "docs" / "criteria.md").read_text(encoding="utf-8")
BY_SIZE, BY_CHANCE = (ONCE, "filters", "original"), (BEFORE, "random_units", "original")
STUDIES = [CNN, GLOBAL, LSTM, UNITS, ZHOU]
UNITS_ASKED = {
    "Units that are kept by size": (("above",), (), [UNITS.minus(BY_SIZE, BY_CHANCE)]),
    "There is a better criterion of units": (
        ("above, else equivalent",) * 3,
        (0.5, 0.25),
        [
            UNITS.minus((ONCE, name, "original"), BY_SIZE)
            for name in ("taylor_units", "slimming", "geometric_median")
        ],
    ),
}
ASKED = {
    **UNITS_ASKED,
    **{claim: (*WEIGHTS_ASKED[claim], family) for claim, family in weights_asked().items()},
    **{claim: (*COMPETING_ASKED[claim], family) for claim, family in asked_of_competing().items()},
    **{claim: (*LSTM_ASKED[claim], family) for claim, family in asked_of_lstm().items()},
}


@pytest.mark.parametrize("claim", ASKED)
def test_what_was_asked_has_its_intervals_and_its_outcomes(claim):
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| {claim}")]
    asked, margins, family = ASKED[claim]
    assert re.findall(r"[+−][\d.]+ \[[^\]]+\]", row) == list(map(interval, family))
    told = re.findall(r"\*\*([^*]+)\*\*", row)
    expected = outcomes_of(asked, margins, [(one, None) for one in family])
    # Outcomes that are all alike are told once.
    assert told == (expected[:1] if len(told) == 1 and len({*expected}) == 1 else expected)


def test_what_layers_that_compete_gain_has_its_intervals_and_its_outcomes():
    (row,) = [line for line in PAGE.splitlines() if line.startswith("| A ticket is better where")]
    groups = of_competing_layers()
    assert re.findall(r"[+−][\d.]+ \[[^\]]+\]", row) == [apart(*one) for one in groups]
    asked = ("above, else equivalent",) * 3
    told = re.findall(r"\*\*([^*]+)\*\*", row)
    assert told == outcomes_of(asked, (0.5, 0.25), groups)


ROWS = {"tables of accuracies": accuracies, "tables of checks": checks, "longer": longer}


@pytest.mark.parametrize("study", STUDIES, ids=lambda one: one.name)
@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_every_row_of_the_tables(study, rows):
    assert set(rows(study)) <= {*PAGE.splitlines()}
    assert f"Dense has {mean_and_half(study.dense)} %" in PAGE


@pytest.mark.parametrize("study", [CNN, UNITS, ZHOU], ids=lambda one: one.name)
def test_what_each_criterion_gained(study):
    usual = "filters" if study is UNITS else "magnitude"
    for name, what in gained(study, usual).items():
        (row,) = re.findall(rf"^\| `{name}` .*\|$", CRITERIA, re.MULTILINE)
        assert row.endswith(f"| {what} |"), name


def test_what_is_said_beside_single_weights():
    def to_dense(level: float) -> str:
        return interval(CNN.arm(*SNIP, level=level) - CNN.dense)

    chance, grasp, by_size = (
        (BEFORE, name, "original") for name in ("random", "grasp", "magnitude_at_init")
    )
    text = " ".join(PAGE.split())
    long, dealt = CNN.arm(*LONGER), (ROUNDS, "magnitude:shuffled_words", "original")
    once_dealt = (ONCE, *dealt[1:])
    for said in (
        f"at 83.2 % it is {interval(CNN.minus(SNIP, chance))} over a random mask",
        f"SynFlow is {interval(CNN.minus(SYNFLOW, chance))}, and GraSP",
        f"GraSP ({interval(CNN.minus(grasp, chance))}) and the sizes",
        f"initial weights ({interval(CNN.minus(by_size, chance))}) are not shown to be",
        f"To dense SNIP is {to_dense(0.59)} at 59 %, {to_dense(0.832)} at 83.2 % and "
        f"{to_dense(0.972)} at 97.2 %",
        f"that costs {-t(shuffled(CNN, ':shuffled')[0])[0]:.2f} points",
        f"gives {mean_and_half(long)} %, and the ticket that took 27 epochs in eight rounds "
        f"{mean_and_half(CNN.arm(*IN_ROUNDS))} %",
        f"the first is {interval(long - CNN.dense)}",
        f"dense loses {interval(CNN.dense - CNN.stretched)[1:]} by as many",
        f"a random mask has {mean_and_half(CNN.arm(BEFORE, 'random', LONGER[2]))} %",
        f"shuffled within words it loses {interval(CNN.minus(IN_ROUNDS, dealt))[1:]}",
        f"by magnitude {interval(CNN.minus(once_dealt, AT_ONCE))}",
        f"dense so trained has {mean_and_half(CNN.stretched)} %",
    ):
        assert said in text, said
    for one in (grasp, by_size):
        _, low, high = t(CNN.minus(one, chance))
        assert low < 0 < high or high < 0
    others = [(when, name) for when, name in CNN.rows if when != BEFORE and name != "magnitude"]
    # Of none is a difference to magnitude of the same moment shown, at any level; and each tells.
    for when, name in others:
        for level in CNN.levels:
            _, low, high = t(CNN.minus((when, name, "original"), (when, *AT_ONCE[1:]), level))
            assert low < 0 < high, (name, level)
    once = [name for when, name in CNN.rows if when == ONCE]
    lost = [-t(CNN.minus(check(ONCE, name, ":inverted"), (ONCE, name, "original")))[0]
            for name in once]  # fmt: skip
    assert (round(min(lost)), round(max(lost))) == (7, 22)
    for name in once:
        _, low, high = t(CNN.minus(check(ONCE, name, ":shuffled_words"), (ONCE, name, "original")))
        assert low < 0 < high
    pair = ZHOU.arm(ONCE, "large_throughout") - CNN.arm(*AT_ONCE)
    assert f"is {interval(pair)} to magnitude at 83.2 %:" in text and t(pair)[2] < 0
    smallest = ZHOU.cells[ZHOU.cells["mask"] == "small_magnitude_at_init"]
    alike = smallest[np.isclose(smallest["level"], 0.972)]["alike"]
    assert (len(alike), alike.sum()) == (5, 4)
    inverted = CNN.cells[(CNN.cells["mask"] == "synflow:inverted")]
    assert len(inverted) == 5 and inverted["alike"].eq(1).all()


def test_what_is_said_where_layers_compete():
    def gains(one: Named, level: float = CNN.checked) -> str:
        return interval(GLOBAL.arm(*one, level=level) - CNN.arm(*one, level=level))

    sparse = GLOBAL.arm(*AT_ONCE, level=0.972)
    grasp, chance = ((BEFORE, name, "original") for name in ("grasp", "random"))
    by_grasp = GLOBAL.minus((BEFORE, "grasp:shuffled", "original"), grasp)
    text = " ".join(PAGE.split())
    for said in (
        f"layers that compete gain {gains(AT_ONCE, 0.972)} by magnitude in one shot, and "
        f"{gains(SNIP, 0.972)} by SNIP",
        f"One shot is then {interval(sparse - GLOBAL.dense)} to dense, and "
        f"{interval(sparse - CNN.arm(*IN_ROUNDS, level=0.972))} over the ticket",
        f"magnitude gains nothing that is shown ({gains(AT_ONCE)} at 83.2 %)",
        f"**SNIP gains by it** at 83.2 % too, {gains(SNIP)},",
        f"GraSP, {gains(grasp)} at 83.2 %,",
        f"layer by layer, {interval(GLOBAL.arm(*grasp) - CNN.arm(*chance))}.",
        f"SNIP and GraSP lose by it (GraSP {interval(by_grasp)})",
    ):
        assert said in text, said
    scopes = (ROOT / "docs" / "scopes.md").read_text(encoding="utf-8")
    assert f"`global` is {gains(AT_ONCE, 0.972)} points over `layerwise`" in scopes
    cells = GLOBAL.cells[GLOBAL.cells["part"] == "criterion"]
    cells = cells[(cells["mask"] == "magnitude") & np.isclose(cells["level"], 0.972)]
    left = 1 - cells["sparsity_without_embedding"]
    assert f"Of the convolution {100 * left.mean():.0f} % of the weights are left, not 3 %" in text
    kept = read(RESULTS / "criteria" / "data" / "criteria_cnn" / "scopes.csv")
    kept = kept[(kept["scope"] == "layerwise") & (kept["part"] == "convolution")]
    kept = kept[np.isclose(kept["level"], 0.972)]
    assert {*zip(kept["remaining"], kept["total"], strict=True)} == {(215, 7680)}
    for name in ("snip", "grasp"):
        within, words = (
            t(GLOBAL.minus((BEFORE, name + kind, "original"), (BEFORE, name, "original")))
            for kind in (":shuffled", ":shuffled_words")
        )
        assert within[2] < 0 and words[1] < 0 < words[2]


def test_what_is_said_beside_the_lstm():
    def to_dense(one: Named, level: float = 0.972) -> str:
        return interval(LSTM.arm(*one, level=level) - LSTM.dense)

    def over(one: Named, other: Named) -> str:
        return interval(LSTM.minus(one, other, 0.972))

    chance, grasp = ((BEFORE, name, "original") for name in ("random", "grasp"))
    by_loss, curved = (ROUNDS, "taylor", "original"), (ONCE, "obd", "original")
    lost = LSTM.dense.mean() - LSTM.arm(*chance, level=0.972).mean()
    lowest = [
        LSTM.arm(when, f"{name}:inverted").mean()
        for when, name in ((BEFORE, "snip"), (ONCE, "taylor"), (ONCE, "obd"))
    ]
    text = " ".join(PAGE.split())
    for said in (
        f"Even a random mask is {to_dense(chance, 0.832)} to dense there",
        f"Random masks lose {lost:.1f} points to dense",
        f"({to_dense(AT_ONCE)}), in rounds",
        f"({to_dense(IN_ROUNDS)}). `taylor` in rounds is {to_dense(by_loss)} to dense, "
        f"`obd` in one shot {to_dense(curved)}",
        f"`taylor` in rounds is {over(by_loss, IN_ROUNDS)} over magnitude in rounds",
        f"at 97.2 %: {over(SNIP, IN_ROUNDS)} and {over(grasp, IN_ROUNDS)}",
        f"({over(SNIP, AT_ONCE)} and {over(grasp, AT_ONCE)})",
        f"is {interval(LSTM.arm(*LONGER) - LSTM.arm(*IN_ROUNDS))} over magnitude in rounds**, and "
        f"{interval(LSTM.arm(*LONGER) - LSTM.stretched)} over dense",
        "networks have {:.2f}, {:.2f} and {:.2f} %".format(*lowest),
    ):
        assert said in text, said
    told = f"`taylor` in rounds is {over(by_loss, IN_ROUNDS)} over magnitude in rounds"
    assert told in " ".join(CRITERIA.split())


def test_what_is_said_beside_units():
    def arm(name: str, level: float):
        return UNITS.arm(ONCE, name, level=level)

    half, checked = 0.488, UNITS.checked
    by_loss, by_size = arm("taylor_units", half), arm("filters", half)
    chance = {level: UNITS.arm(*BY_CHANCE, level=level) for level in UNITS.levels}
    for text in (
        f"`taylor_units` gains something over `filters` at 48.8 %, {interval(by_loss - by_size)}",
        f"over chance it is\n  {interval(by_loss - chance[half])} there",
        f"`taylor_units` at 73.8 % is {interval(arm('taylor_units', checked) - chance[checked])}",
        f"from {interval(by_loss - UNITS.dense)}\n  (`taylor_units`) to "
        f"{interval(by_size - UNITS.dense)} (`filters`)",
    ):
        assert text in PAGE
    once = [name for when, name in UNITS.rows if when == ONCE]
    # No criterion is shown to be better than chance, and each is far below dense.
    for level, by_chance in chance.items():
        assert all(t(arm(name, level) - by_chance)[1] < 0 for name in once)
    assert all(t(arm(name, half) - UNITS.dense)[2] < -0.5 for name in once)
    for name in once:
        for which in ("reinit", ":inverted"):
            made, ticket = check(ONCE, name, which), (ONCE, name, "original")
            _, low, high = t(UNITS.minus(made, ticket))
            assert low < 0 < high
