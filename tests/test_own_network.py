"""A network of one's own from registration to export, in the processes that a user has."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Command, user_environment, write_reviews
from tests.own_networks import attention, own_registry
from tflottery.errors import UserError
from tflottery.experiments.ticket.result import FoundTicket
from tflottery.experiments.ticket.run import find_ticket
from tflottery.models.architecture import Initializers
from tflottery.models.brought.registering import register_architecture
from tflottery.runs.store import Store
from tflottery.tickets.given import level_of
from tflottery.tickets.ticket import load_ticket

SETTINGS = {"training.epochs": 1, "training.batch_size": 16, "data.vocabulary_size": 40}
IDS = np.random.default_rng(0).integers(1, 9, (5, 9)).astype(np.int32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own")


@pytest.fixture(scope="module")
def found(folder: Path) -> FoundTicket:
    with own_registry():
        return search(folder)


def search(folder: Path, **flags) -> FoundTicket:
    register_architecture("attention")(attention)
    return find_ticket(
        write_reviews(folder / "mine.csv"),
        model="attention",
        sparsity=0.2,
        store=folder / "runs",
        output=folder / "tickets",
        progress=False,
        **{"set": SETTINGS, **flags},
    )


ELSEWHERE = """
import sys
import numpy as np
import tflottery as tfl

ticket = tfl.load_ticket(sys.argv[1])
ids = np.random.default_rng(0).integers(1, 9, (5, 9)).astype(np.int32)
print(ticket.build("final").predict(ids, verbose=0).ravel().tolist())
for call in (
    lambda: tfl.run_study(ticket=ticket, seeds=1, progress=False),
    lambda: tfl.tune_learning_rate(ticket=ticket, progress=False),
    lambda: tfl.transfer(ticket, to="toy", progress=False),
):
    try:
        call()
    except tfl.UserError as error:
        print(error)
made = tfl.export(ticket, "models", compact=True, store=sys.argv[2], progress=False)
print(made.checked)
"""


def test_a_ticket_is_of_use_where_nobody_registered_its_network(found, folder):
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(found.ticket.folder), str(folder / "runs")],
        cwd=folder, env=user_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    scores, *refused, checked = done.stdout.strip().splitlines()
    here = found.ticket.build("final").predict(IDS, verbose=0).ravel().tolist()
    assert json.loads(scores) == here
    assert len(refused) == 3
    assert all("The network attention is not registered here" in line for line in refused)
    assert all("tests.own_networks" in line for line in refused), refused
    assert checked.startswith("Loaded in a fresh process")


def test_records_say_where_the_network_came_from_beside_the_key(found):
    module = attention.__module__
    assert found.ticket.about["network"]["module"] == module
    run = Store(found.store.root).open(found.ticket.about["run_key"])
    assert run.record["network"]["module"] == module
    assert module not in json.dumps(run.record["spec"])


def test_the_chain_of_a_ticket_is_known_without_its_network(found):
    level = level_of(load_ticket(found.ticket.folder))
    assert level.ticket.key == found.ticket.about["run_key"]
    with pytest.raises(UserError, match="not registered here"):
        level.ticket.recipe.model.build(40, 2, Initializers(1))


def test_the_same_call_trains_nothing_and_an_edit_trains_anew(found, folder):
    with own_registry():
        planned = search(folder, dry_run=True)
        assert all(planned.runs["done"])
        wider = search(folder, dry_run=True, set={**SETTINGS, "model.units": 5})
        assert not any(wider.runs["done"])


def test_a_ticket_of_before_is_not_trained_with_an_edited_network(found, folder):
    def edited(vocabulary_size, classes, units=4):
        return attention(vocabulary_size, classes, units + 1)

    edited.__module__, edited.__qualname__ = attention.__module__, attention.__qualname__
    from tflottery.experiments.study.run import run_study

    with own_registry():
        register_architecture("attention")(edited)
        ticket = load_ticket(found.ticket.folder)
        here = found.ticket.build("final").predict(IDS, verbose=0)
        assert np.array_equal(ticket.build("final").predict(IDS, verbose=0), here)
        with pytest.raises(UserError, match="was edited since the ticket was found"):
            run_study(ticket=ticket, seeds=1, store=folder / "runs", progress=False)


def test_a_copy_holds_the_network_and_damage_to_it_is_found(found, tmp_path):
    copy = found.ticket.save(tmp_path / "copy")
    network = copy.folder / "network.json"
    network.write_text(network.read_text().replace("Dense", "Dens2"))
    with pytest.raises(UserError, match=r"network.json is damaged"):
        load_ticket(copy.folder)


def test_a_network_of_code_needs_its_module(found, tmp_path):
    """A ticket whose network.json holds a Lambda, sealed as one that is in order."""
    from tflottery.files import read_sealed, seal, sha256_of_file

    copy = found.ticket.save(tmp_path / "copy")
    file = copy.folder / "network.json"
    document = read_sealed(file, what="network", format_version=1)
    document["network"]["config"]["layers"][1]["class_name"] = "Lambda"
    file.write_text(seal(document))
    about = {**copy.about, "files": {**copy.about["files"], file.name: sha256_of_file(file)}}
    (copy.folder / "ticket.json").write_text(seal(about))
    with pytest.raises(UserError, match=r"carries code\. The network attention is not registered"):
        load_ticket(copy.folder).build()


@pytest.mark.long
def test_workers_build_it_from_its_module(folder, found, command: Command, tmp_path):
    """And a command takes it with ``--plugin``; both end with the same bits as here."""
    done = command(
        "find_ticket", "--dataset", str(folder / "mine.csv"), "--model", "attention",
        "--plugin", "tests.own_networks_plugin", "--sparsity", "0.2", "--workers", "2",
        "--store", str(tmp_path / "runs"), "--output", str(tmp_path / "tickets"),
        *(flag for key, value in SETTINGS.items() for flag in ("--set", f"{key}={value}")),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (there,) = (tmp_path / "tickets").iterdir()
    ticket = load_ticket(there)
    assert dataclasses.asdict(ticket.recipe.model.built)["identity"] == (
        found.ticket.recipe.model.built.identity
    )
