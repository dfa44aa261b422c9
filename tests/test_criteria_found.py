"""Tickets by criteria that read gradients: end to end, by API and CLI, here and in workers."""

from __future__ import annotations

import numpy as np
import pytest

import tflottery as tfl
from tests.conftest import write_reviews
from tests.registries import put_back
from tflottery.cli import find_ticket as find_command
from tflottery.cli.app import run

SMALL = {
    "model.filters": 4, "model.embedding": 6, "model.widths": [2], "training.epochs": 1,
    "training.batch_size": 16, "data.vocabulary_size": 60,
}  # fmt: skip


def found(folder, criterion: str, **more) -> tfl.FoundTicket:
    given = {"sparsity": 0.5, "method": "one_shot", **more}
    return tfl.find_ticket(
        str(folder / "small.csv"), config="defaults", set=SMALL, criterion=criterion,
        progress=False, store=folder / "runs", output=folder / criterion / "tickets", **given,
    )  # fmt: skip


@pytest.mark.long
def test_tickets_of_a_gradient_are_the_same_here_and_in_workers(tmp_path):
    write_reviews(tmp_path / "small.csv")
    tickets = {}
    for criterion in ("magnitude", "snip", "grasp", "synflow", "taylor_units"):
        one = found(tmp_path, criterion)
        assert one.ticket.pruning.criterion == criterion
        tickets[criterion] = one.ticket.masks
        if criterion != "taylor_units":
            kept = {name: int(mask.sum()) for name, mask in one.ticket.masks.items()}
            assert kept == {n: int(m.sum()) for n, m in tickets["magnitude"].items()}
        for other in list(tickets)[:-1]:
            assert any(
                not np.array_equal(tickets[other][name], mask)
                for name, mask in one.ticket.masks.items()
            ), (criterion, other)
    # The dense run is one and the same for all of them, and no run is trained again.
    assert found(tmp_path, "grasp").trained == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_NUM_INTRAOP_THREADS", "1")
        (tmp_path / "again").mkdir()
        write_reviews(tmp_path / "again" / "small.csv")
        worker = found(tmp_path / "again", "snip", workers=1, threads=1)
    for name, mask in worker.ticket.masks.items():
        assert np.array_equal(mask, tickets["snip"][name])


def test_rounds_follow_one_another(tmp_path):
    write_reviews(tmp_path / "small.csv")
    one = found(tmp_path, "movement", method="iterative", sparsity=0.36, init="random")
    assert one.trained == 4 and one.ticket.about["sparsity"] == pytest.approx(0.36, abs=0.01)


def test_the_command_knows_them_and_tells_what_it_cannot(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_reviews(tmp_path / "small.csv")
    flags = ["--dataset", "small.csv", "--config", "defaults", "--dry_run"]
    assert run(find_command.COMMAND, [*flags, "--criterion", "snip"]) == 0
    capfd.readouterr()
    flags += ["--model", "lstm", "--criterion", "synflow"]
    assert run(find_command.COMMAND, flags) == 2
    said = capfd.readouterr().err
    assert "lstm has layers, as gates, attention or norms" in said and said.count("\n") == 1


def test_one_of_ones_own_is_a_line_where_it_asks_for_too_much(tmp_path):
    write_reviews(tmp_path / "small.csv")
    with put_back():

        @tfl.register_criterion("mine")
        def mine(context):
            return context.weights_at("0ep")

        with pytest.raises(tfl.UserError, match="'mine' asks for weights at '0ep' and declared"):
            found(tmp_path, "mine")
