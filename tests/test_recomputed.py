"""Every interval that README and the results' READMEs state, recomputed from the committed tables.

With pandas, numpy and scipy alone: nothing of tflottery's own is imported. Each number of those
pages that has an interval has to be one that the tables give; in which row of a table it has to
stand, ``test_rows.py`` holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.recomputing import (
    CONTROLLED,
    GRID,
    NEW,
    RESULTS,
    ROOT,
    SHOT,
    TICKET,
    arm,
    best_rate,
    cell,
    dense,
    gain,
    holm,
    masked,
    mean_and_half,
    moved,
    of,
    read,
    study,
    t,
    trials,
    words,
)
from tests.stated import SAID

PAGES = {
    "README": ROOT / "README.md",
    "answers": RESULTS / "answers.md",
    "first": RESULTS / "seeds_1_to_3.md",
    "transfer": RESULTS / "transfer" / "README.md",
    "rates": RESULTS / "learning_rate" / "README.md",
    "find": RESULTS / "find_ticket" / "README.md",
}
_NUMBER = r"[+−]?\d+(?:\.\d+)?"
_INTERVAL = re.compile(rf"({_NUMBER}) (?:points )?\[({_NUMBER}), ({_NUMBER})\]")
_HALF = re.compile(rf"({_NUMBER}) (?:%? ?)± (\d+\.\d+)")

# Numbers of recipes that were replaced, whose tables are not kept; the page says so of each.
WITHOUT_TABLE = {
    ("−0.25", "−0.57", "+0.07"), ("−1.65", "−2.82", "−0.48"), ("87.47", "0.40"),
}  # fmt: skip


@cache
def text_of(page: str) -> str:
    """A page on one line, without its code and the marks of quotations."""
    text = PAGES[page].read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return " ".join(re.sub(r"^> ", "", text, flags=re.MULTILINE).split())


def _is(shown: tuple[str, ...], computed: tuple[float, ...]) -> bool:
    """Whether numbers are those that were computed, to their last digit."""
    for one, other in zip(shown, computed, strict=True):
        room = 0.51 * 10.0 ** -len(one.partition(".")[2])
        if abs(float(one.replace("−", "-")) - other) > room:
            return False
    return True


@pytest.mark.parametrize(
    ("page", "what", "compute"), SAID, ids=[f"{page}, {what}" for page, what, _ in SAID]
)
def test_what_the_tables_give_is_what_the_page_says(page, what, compute):
    computed = compute()
    assert any(_is(one, computed) for one in _INTERVAL.findall(text_of(page))), (what, computed)


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_interval_of_a_page_comes_from_the_tables(page):
    known = [compute() for of_page, _, compute in SAID if of_page == page]
    shown = _INTERVAL.findall(text_of(page))
    shown = [one for one in shown if one not in WITHOUT_TABLE]
    assert [one for one in shown if not any(_is(one, each) for each in known)] == [] and shown


def _halves(page: str) -> Iterator[tuple[float, float]]:
    """Every mean and half an interval, or a standard deviation, that a page may show."""
    if page == "answers":
        networks = ("new cnn", "new lstm_long", "new cnn_glove", "new lstm_glove")
        networks += ("note cnn", "note lstm", "longer lstm")
        yield from (mean_and_half(dense(name)) for name in networks)
        for level in (0.832, 0.972):
            yield mean_and_half(cell("new cnn", *TICKET, level))
            yield mean_and_half(cell("new cnn", *NEW, level))
            for mask in ("words_only", "shuffled_words", "shuffled", "random_words"):
                yield mean_and_half(masked(mask, level))
    if page == "first":
        for name in ("cnn", "lstm"):
            yield mean_and_half(dense(name))
        for init in ("original", "rewind:1ep", "rewind:end", "reinit", "random"):
            for method in ("iterative", "one_shot"):
                for level in GRID if (method, init) != ("one_shot", "reinit") else ():
                    yield mean_and_half(cell("cnn", method, init, level))
    if page == "transfer":
        for name in ("cnn", "lstm", "reverse"):
            labels = moved(name)[["mask", "init", "level"]].drop_duplicates()
            yield from (mean_and_half(arm(name, *row)) for row in labels.itertuples(index=False))
    if page == "rates":
        for name in ("cnn", "lstm"):
            labels = trials(name)[["arm", "level"]].drop_duplicates()
            for of_arm, level in labels.itertuples(index=False):
                if best_rate(name, of_arm, level) != 0.01:
                    mean, low, _ = gain(name, of_arm, level)
                    yield mean, mean - low
    if page == "find":
        rounds = read(RESULTS / "find_ticket" / "rounds.csv")
        glove = read(RESULTS / "find_ticket" / "lstm_glove.csv").fillna({"criterion": ""})
        groups = [*rounds.groupby(["model", "network", "round"])]
        for _, rows in [*groups, *glove.groupby(["criterion", "network"])]:
            for column in ("validation_accuracy", "test_accuracy"):
                yield 100 * rows[column].mean(), 100 * rows[column].std()
            if rows["minus_dense_test_points"].any():
                yield mean_and_half(rows["minus_dense_test_points"])


@pytest.mark.parametrize("page", ["answers", "first", "transfer", "rates", "find"])
def test_every_mean_with_its_spread_comes_from_the_tables(page):
    known = list(_halves(page))
    shown = [one for one in _HALF.findall(text_of(page)) if one not in WITHOUT_TABLE]
    assert [one for one in shown if not any(_is(one, each) for each in known)] == []
    assert len(shown) >= {"answers": 12, "first": 40, "transfer": 30, "rates": 5, "find": 40}[page]


def test_the_grid_of_the_cnn_is_that_of_its_rows():
    text = PAGES["first"].read_text(encoding="utf-8")
    names = {
        "original": "original",
        "rewind to 1 epoch": "rewind:1ep",
        "rewind to the end": "rewind:end",
        "the mask with new weights": "reinit",
    }
    rows = re.findall(r"^\| (iterative|one-shot), ([\w ]+) \|(.*)\|$", text, re.MULTILINE)
    assert len(rows) == 8
    for method, init, cells in rows:
        label = names[init]
        method = method.replace("-", "_")
        label = "random" if (method, label) == ("one_shot", "reinit") else label
        for level, shown in zip(GRID, cells.split("|"), strict=True):
            numbers = tuple(shown.strip().split(" ± "))
            assert _is(numbers, mean_and_half(cell("cnn", method, label, level))), (init, level)


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def test_sentences_with_other_numbers():
    text = text_of("first")
    _, low, high = t(cell("cnn", *TICKET, 0.832) - dense("cnn"), confidence=0.90)
    assert f"minus dense is {_signed(low)} to {_signed(high)}" in text
    labels = {"part": "control", "mask": "dense"}
    below = [(dense("cnn") - of(study("cnn"), level=x, **labels)).mean() for x in CONTROLLED]
    said = "lies {:.2f}, {:.2f} and {:.2f} points *below* the dense".format(*below)
    assert said in text
    labels = {"part": "control", "mask": "gradual"}
    below = [(dense("cnn") - of(study("cnn"), level=x, **labels)).mean() for x in CONTROLLED]
    assert "It lies {:.2f}, {:.2f} and {:.2f} points below dense".format(*below) in text
    higher = [gain("cnn", "ticket", level, above=0.01) for level in GRID if level != 0.59]
    means = [mean for mean, _, _ in higher]
    assert f"{_signed(min(means))} to {_signed(max(means))}" in text
    assert f"the widest interval goes to {_signed(max(high for _, _, high in higher))}" in text


def test_what_is_between_a_ticket_and_a_shuffled_mask():
    apart_ = [words("ticket", "shuffled", level).mean() for level in (0.832, 0.972)]
    text = text_of("answers")
    assert f"of the {apart_[0]:.2f} points between the ticket and a shuffled mask" in text
    assert f"of {apart_[1]:.2f}." in text


def test_the_accuracies_of_the_four_networks():
    rounds = read(RESULTS / "find_ticket" / "rounds.csv")
    text = PAGES["README"].read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+), (\w+) seeds \| ([\d.]+) \| ([\d.]+) \|", text, re.MULTILINE)
    assert {name.lower() for name, *_ in rows} == set(rounds["model"])
    for name, count, *shown in rows:
        mine = rounds[rounds["model"] == name.lower()]
        assert {"three": 3, "five": 5}[count] == mine["seed"].nunique()
        arms = (mine["network"] == "dense", np.isclose(mine["sparsity"], 0.832, atol=1e-3))
        ticket = arms[1] & (mine["network"] == "ticket")
        found = [100 * mine.loc[one, "test_accuracy"].mean() for one in (arms[0], ticket)]
        assert _is(tuple(shown), tuple(found)), name


def test_the_files_of_the_readmes_ticket():
    table = read(RESULTS / "export" / "imdb-cnn-files.csv").set_index("variant")
    shown = re.findall(
        r"^Beside: (\S+), ([\d,]+) kB:.*accuracy ([\d.]+) %",
        PAGES["README"].read_text("utf-8"),
        re.M,
    )
    # The page holds the ONNX file; its own size, which no table measured, stands in one by hand.
    rows = {"model.tflite": "TFLite int8", "model.onnx": "ONNX", "page.html": "ONNX"}
    assert [name for name, *_ in shown] == list(rows)
    for (name, size, accuracy), row in zip(shown, rows.values(), strict=True):
        assert accuracy == f"{100 * table.loc[row, 'test_accuracy']:.2f}"
        if name != "page.html":
            assert size == f"{table.loc[row, 'raw_bytes'] / 1000:,.0f}"
    by_hand = (RESULTS / "export" / "README.md").read_text("utf-8")
    assert f"| `page.html` | {shown[2][1]} |" in by_hand


def test_masks_share_what_the_transfer_says_they_share():
    (folder,) = (RESULTS / "transfer" / "cnn" / "data").iterdir()
    table = read(folder / "overlap.csv")
    whole = table[(table["tensor"] == "all") & np.isclose(table["level"], 0.832)]
    said = (
        f"Jaccard {whole['jaccard'].mean():.2f} at 83.2 %, {whole['chance'].mean():.2f} by chance"
    )
    assert said in text_of("transfer")
    own = read(RESULTS / "study_cnn" / "data" / "study_cnn" / "overlap.csv")
    own = own[(own["kind"] == "seeds") & (own["one"] == "iterative")]
    own = own[np.isclose(own["level"], 0.832)]
    assert f"two IMDB seeds share only {own['jaccard'].mean():.2f}" in text_of("transfer")


def test_no_cell_beats_dense_afterholms_correction():
    counted = {}
    for name in ("cnn", "lstm"):
        grid = study(name)[study(name)["part"] == "grid"]
        cells = grid.groupby(["method", "init", "level"])
        gains = {key: of(rows) - dense(name) for key, rows in cells}
        tests = {key: stats.ttest_1samp(one, 0) for key, one in gains.items()}
        # The family is the whole grid; of new weights nobody says that they are tickets.
        adjusted = dict(zip(tests, holm([one.pvalue for one in tests.values()]), strict=True))
        tickets = [key for key in tests if key[1] not in ("random", "reinit")]
        sure = [key for key in tickets if gains[key].mean() > 0 and adjusted[key] < 0.05]
        counted[name] = (len(sure), len(tickets))
    assert counted == {"cnn": (0, 30), "lstm": (0, 24)}
    assert "CNN 0 of 30, LSTM 0 of 24" in text_of("first")


def test_one_control_is_left_afterholms_correction():
    kinds = [
        ("one_shot", "random", "original"), ("iterative", "shuffled", "original"),
        ("iterative", "magnitude", "signs"), ("iterative", "head_pruned", "original"),
        ("gradual", "gradual", "fresh"), ("dense", "dense", "fresh"),
    ]  # fmt: skip
    ps = {}
    for method, mask, init in kinds:
        for level in CONTROLLED:
            labels = {"part": "control", "method": method, "mask": mask, "init": init}
            mine = of(study("cnn"), level=level, **labels)
            ticket = cell("cnn", *(SHOT if mask == "random" else TICKET), level)
            ps[mask, init, level] = stats.ttest_1samp(ticket - mine, 0).pvalue
    adjusted = dict(zip(ps, holm(list(ps.values())), strict=True))
    assert [key for key, p in adjusted.items() if p < 0.05] == [("random", "original", 0.972)]
    assert "one cell is above 0: the random mask at 97.2 %" in text_of("first")


def start(name: str, level: float) -> pd.Series:
    """In %, how much of a mask the sizes of initial weights would have given, and chance."""
    table = read(RESULTS / "new_seeds" / "data" / name / "overlap.csv")
    table = table[(table["kind"] == "start") & (table["one"] == "iterative")]
    at_level = table[np.isclose(table["level"], level)]
    return at_level[["jaccard", "chance"]].mean().mul(100).round()


def test_how_much_of_a_mask_the_notes_embedding_decides():
    said = re.search(
        r"to (\d+) % \(Jaccard\), by chance (\d+) %;.*?, to (\d+) %", text_of("answers")
    )
    note, small = start("note_lstm_small", 0.672), start("study_lstm_long", 0.672)
    assert said and [float(one) for one in said.groups()] == [*note, small["jaccard"]]
    said = re.search(
        r"does so to (\d+) % at 83.2 % \(by chance (\d+) %\), and to (\d+) % at 97.2 % \((\d+) %\)",
        text_of("answers"),
    )
    cnn = [*start("note_cnn_small", 0.832), *start("note_cnn_small", 0.972)]
    assert said and [float(one) for one in said.groups()] == cnn


def test_the_notes_lstm_had_not_finished():
    table = read(RESULTS / "epochs.csv")
    table = table[(table["study"] == "note_lstm_small") & (table["method"] != "one_shot")]
    arms = table.groupby(["init", "level", "seed"])
    table["epoch"] = arms.cumcount() + 1
    means = 100 * table.groupby(["init", "level", "epoch"])["val_accuracy"].mean()
    gained = [means[init, level, 5] - means[init, level, 4]
              for init, level in (("fresh", 0.0), ("original", 0.672))]  # fmt: skip
    text = text_of("answers")
    assert "gained {:.1f} points of validation accuracy in that epoch".format(*gained) in text
    assert "tickets at 67.2 % gained {1:.1f}.".format(*gained) in text
    assert f"dense {means['fresh', 0.0, 1]:.1f} % (" in text
    rewound = table[(table["init"] == "rewind:end") & (table["epoch"] == 1)]
    assert f"have {100 * rewound['val_accuracy'].mean():.1f} % on validation data" in text


def test_how_much_of_a_mask_glove_decides():
    said = re.search(
        r"it shares (\d+) %.*?at 83.2 %.*?by chance (\d+) %, and (\d+) %", text_of("answers")
    )
    assert said
    glove, drawn = start("study_cnn_glove", 0.832), start("study_cnn", 0.832)
    assert [float(one) for one in said.groups()] == [*glove, drawn["jaccard"]]
