"""A bundle is a ticket to share: read back by load_ticket, by safetensors, by a hub."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
import yaml

import tflottery as tfl
from tests.conftest import same_arrays
from tests.exported import make_ticket
from tflottery.errors import UserError
from tflottery.exports import bundle
from tflottery.tickets.methods import METHODS
from tflottery.tickets.ticket import load_ticket

safetensors = pytest.importorskip("safetensors.numpy")


def test_a_bundle_is_a_ticket_with_a_card_and_checksums(tmp_path):
    ticket = make_ticket(tmp_path / "ticket", "cnn")
    made = bundle.write(ticket, tmp_path / "m-bundle")
    loaded = load_ticket(made.folder)
    assert same_arrays(loaded.final_weights, ticket.final_weights)
    assert same_arrays(loaded.masks, ticket.masks) and loaded.recipe == ticket.recipe
    assert same_arrays(
        safetensors.load_file(made.folder / "model.safetensors"), dict(ticket.final_weights)
    )
    done = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=made.folder, check=False)
    assert done.returncode == 0
    head, body = (made.folder / "README.md").read_text().split("---\n")[1:3]
    said = yaml.safe_load(head)
    assert said["pipeline_tag"] == "text-classification" and "license" not in said
    (model,) = said["model-index"]
    assert model["results"][0]["metrics"][0] == {
        "type": "accuracy", "name": "test accuracy", "value": 0.875,
    }  # fmt: skip
    assert "| test accuracy | 87.50 % (dense 87.25 %) |" in body
    before = (made.folder / "SHA256SUMS").read_text()
    assert bundle.write(ticket, made.folder).ticket.about == ticket.about
    assert (made.folder / "SHA256SUMS").read_text() == before


@pytest.mark.parametrize("method", METHODS)
def test_a_card_calls_a_network_what_its_method_finds(tmp_path, method):
    ticket = make_ticket(tmp_path / "ticket", "cnn")
    ticket = dataclasses.replace(ticket, about={**ticket.about, "method": method})
    head, body = bundle.card(ticket, "m-bundle").split("---\n")[1:3]
    finds_tickets = METHODS[method].finds_tickets
    what = "A lottery ticket: " if finds_tickets else "A sparse network: "
    assert f"\n{what}a text classifier with " in body
    assert f"| found by | {METHODS[method].about}, criterion magnitude" in body
    assert ("lottery-ticket" in yaml.safe_load(head)["tags"]) == finds_tickets


def test_other_things_are_not_replaced_by_a_bundle(tmp_path):
    ticket = make_ticket(tmp_path / "ticket", "cnn")
    (tmp_path / "m-bundle").mkdir()
    (tmp_path / "m-bundle" / "thesis.txt").write_text("years")
    with pytest.raises(UserError, match="a folder of other things"):
        bundle.write(ticket, tmp_path / "m-bundle")
    assert [path.name for path in (tmp_path / "m-bundle").iterdir()] == ["thesis.txt"]


def test_the_command_needs_no_tensorflow(tmp_path):
    make_ticket(tmp_path / "ticket", "cnn")
    code = (
        "import sys; from tflottery.cli import export; "
        "assert export.main(sys.argv[1:]) == 0 and 'tensorflow' not in sys.modules"
    )
    given = [str(tmp_path / "ticket"), "--bundle", "--output", str(tmp_path), "--name", "mine"]
    done = subprocess.run(
        [sys.executable, "-c", code, *given], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "mine-bundle/" in done.stdout
    assert load_ticket(tmp_path / "mine-bundle").classes == ("negative", "positive")


def test_a_bundle_is_a_ticket_as_it_is(tmp_path):
    ticket = make_ticket(tmp_path / "ticket", "cnn")
    with pytest.raises(UserError, match="--bundle shares a ticket as it is"):
        tfl.export(ticket, tmp_path / "out", bundle=True, compact=True)
