"""The library's mistakes: a call that cannot be is one line, and leaves all as it was."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import tflottery as tfl
from tests.called import SMALL, find_in, write_work


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    return write_work(tmp_path_factory.mktemp("work"))


@pytest.fixture(autouse=True)
def here(work, monkeypatch) -> Path:
    monkeypatch.chdir(work)
    return work


@pytest.fixture(scope="module")
def found(work) -> tfl.FoundTicket:
    return find_in(work)


WRONG: list[tuple[str, Callable[[], object]]] = [
    ("no file", lambda: tfl.find_ticket("nowhere.csv")),
    ("an empty name", lambda: tfl.find_ticket("")),
    ("set of a section", lambda: tfl.find_ticket("films.csv", set={"training": 3})),
    ("set of numbers", lambda: tfl.find_ticket("films.csv", set=[1])),
    ("set of bytes", lambda: tfl.find_ticket("films.csv", set=b"x")),
    ("set a number", lambda: tfl.find_ticket("films.csv", set=5)),
    ("set of two lines", lambda: tfl.find_ticket("films.csv", set="training.epochs=1\na.b=2")),
    ("no such method", lambda: tfl.find_ticket("films.csv", method="both")),
    ("a list of models", lambda: tfl.find_ticket("films.csv", model=["cnn"])),
    ("a tiny rate", lambda: tfl.find_ticket("films.csv", rate=1e-9)),
    ("a tolerance of nan", lambda: tfl.find_ticket("films.csv", tolerance=float("nan"))),
    ("no filters", lambda: tfl.find_ticket("films.csv", set={"model.filters": 0})),
    ("many filters", lambda: tfl.find_ticket("films.csv", set={"model.filters": 10**12})),
    ("all dropped", lambda: tfl.find_ticket("films.csv", set={"model.dropout": 1.0})),
    ("a seed below 0", lambda: tfl.find_ticket("films.csv", seed=-1)),
    ("half a seed", lambda: tfl.find_ticket("films.csv", seed=1.5)),
    ("a true seed", lambda: tfl.find_ticket("films.csv", seed=True)),
    ("no seed", lambda: tfl.find_ticket("films.csv", seed=None)),
    ("a true rate", lambda: tfl.find_ticket("films.csv", learning_rate=True)),
    ("a list of rates", lambda: tfl.find_ticket("films.csv", learning_rate=[0.1])),
    ("a rate in words", lambda: tfl.find_ticket("films.csv", learning_rate="fast")),
    ("no threads", lambda: tfl.find_ticket("films.csv", threads=0)),
    ("threads in words", lambda: tfl.find_ticket("films.csv", threads="2")),
    ("texts in a set", lambda: tfl.find_ticket(({"a", "b"}, [0, 1]))),
    ("an output that is a number", lambda: tfl.find_ticket("films.csv", output=5)),
    ("an output with a NUL", lambda: tfl.find_ticket("films.csv", output="a\0b")),
    ("nothing to look at", lambda: tfl.inspect("nowhere.csv")),
    ("a look with no such key", lambda: tfl.inspect("films.csv", set={"data.lenght": 3})),
    ("a look at a set", lambda: tfl.inspect(({"a", "b"}, [0, 1]))),
    ("a store with a NUL", lambda: tfl.inspect("films.csv", store="a\0b")),
    ("no seeds", lambda: tfl.run_study("tiny.toml", seeds=0)),
    ("a seed twice", lambda: tfl.run_study("tiny.toml", seeds=[1, 1])),
    ("half a seed of a study", lambda: tfl.run_study("tiny.toml", seeds=1.5)),
    ("seeds in words", lambda: tfl.run_study("tiny.toml", seeds="3")),
    ("true seeds", lambda: tfl.run_study("tiny.toml", seeds=True)),
    ("seeds of halves", lambda: tfl.run_study("tiny.toml", seeds=[1.5])),
    ("seeds without end", lambda: tfl.run_study("tiny.toml", seeds=10**12)),
    ("local workers", lambda: tfl.run_study("tiny.toml", executor="local", workers=2)),
    ("workers in words", lambda: tfl.run_study("tiny.toml", workers="2")),
    ("half a worker", lambda: tfl.run_study("tiny.toml", workers=1.5)),
    ("a level of 1.5", lambda: tfl.transfer("tickets", to="meals.csv", levels=[1.5])),
    ("one level", lambda: tfl.transfer("tickets", to="meals.csv", levels=0.5)),
    ("a grid that is a number", lambda: tfl.transfer("tickets", to="meals.csv", grid=5)),
    ("no such arms", lambda: tfl.tune_learning_rate("tickets", arms=5)),
    ("no ticket", lambda: tfl.export("nowhere")),
    ("half a version", lambda: tfl.export("tickets", version=1.5)),
    ("a true version", lambda: tfl.export("tickets", version=True)),
    ("a name that is a number", lambda: tfl.export("tickets", name=5)),
    ("a long name", lambda: tfl.export("tickets", name="x" * 300)),
    ("nothing to load", lambda: tfl.load_ticket("nowhere")),
    ("a number to load", lambda: tfl.load_ticket(5)),
    ("a store that is a file", lambda: tfl.Store("films.csv")),
    ("a store that is a number", lambda: tfl.Store(5)),
    ("nothing to report", lambda: tfl.write_report("nowhere", "page")),
]


@pytest.mark.parametrize("call", [call for _, call in WRONG], ids=[name for name, _ in WRONG])
def test_a_mistake_is_a_user_error_in_one_line(found, call):
    with pytest.raises(tfl.UserError) as caught:
        call()
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("--seeds", lambda of: tfl.transfer(of.ticket, to="meals.csv", seeds=0)),
        ("--more_dense", lambda of: tfl.transfer(of.ticket, to="meals.csv", more_dense=-1)),
        ("--seeds", lambda of: tfl.tune_learning_rate(of.ticket, seeds=0)),
        ("--seeds", lambda of: tfl.tune_learning_rate(dataset="films.csv", seeds=0)),
        ("Only a grid", lambda of: tfl.tune_learning_rate(of.ticket, tuner="random", workers=2)),
        ("beyond the training", lambda of: tfl.run_study(
            "tiny.toml", dataset="films.csv", set={"study.instability_points": ["99ep"]}
        )),
        ("sparse training", lambda of: tfl.run_study(
            "tiny.toml", dataset="films.csv", set={"pruning.method": "rigl"}
        )),
    ],
)  # fmt: skip
def test_mistakes_are_told_before_a_network_is_built(found, monkeypatch, message, call):
    """To ask a network of one's own what it is made of takes TensorFlow."""
    from tflottery.experiments.driver import Driver

    def built(*_, **__):
        raise AssertionError("the network was built")

    monkeypatch.setattr(Driver, "identify", built)
    with pytest.raises(tfl.UserError, match=message):
        call(found)


def test_what_is_not_trained_leaves_the_process_as_it_was(monkeypatch):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    tfl.run_study(
        "tiny.toml", seeds=1, dataset="films.csv", workers=2, dry_run=True, progress=False
    )
    with pytest.raises(tfl.UserError):
        tfl.run_study("tiny.toml", seeds=1, dataset="films.csv", workers=2, set={"study.x": 1})
    assert "TF_NUM_INTRAOP_THREADS" not in os.environ


def test_a_ticket_takes_no_other_things_with_it(found, tmp_path):
    ticket = found.ticket.save(tmp_path / "one")
    with pytest.raises(tfl.UserError, match="lies within a ticket"):
        ticket.save(ticket.folder / "sub" / "copy")
    (ticket.folder / "notes.txt").write_text("mine")
    with pytest.raises(tfl.UserError, match="is a folder of other things"):
        found.ticket.save(ticket.folder)
    assert (ticket.folder / "notes.txt").read_text() == "mine"


def test_keras_that_computes_otherwise_is_refused(tmp_path):
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        with pytest.raises(tfl.UserError, match="run_functions_eagerly"):
            tfl.find_ticket(
                "films.csv", sparsity=0.2, set=SMALL, progress=False, store=tmp_path / "runs"
            )
    finally:
        tf.config.run_functions_eagerly(False)
