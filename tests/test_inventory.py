"""A store as a library: its runs as a table, one of them, what nothing needs, and deleting."""

from __future__ import annotations

import pandas as pd
import pytest

import tflottery as tfl
from tests.chains import dense, pruned
from tests.conftest import same_arrays
from tflottery import files
from tflottery.runs import inventory
from tflottery.runs.realise import Realiser
from tflottery.runs.specs import RunSpec
from tflottery.runs.store import Store


@pytest.fixture
def chain(tmp_path, small_recipe) -> tuple[Store, list[RunSpec]]:
    """A store with a dense network, a ticket of it, and a ticket of that."""
    root = dense(small_recipe)
    first = pruned(root, root)
    second = pruned(first, root)
    store = Store(tmp_path / "runs")
    Realiser(store, [second])(second)
    return store, [root, first, second]


def test_runs_are_a_table(chain):
    store, (root, first, second) = chain
    table = store.runs().set_index("key")
    assert set(table.index) == {root.key, first.key, second.key}
    assert list(table.loc[[root.key, first.key, second.key], "mask"]) == [
        "Dense",
        "Pruned",
        "Pruned",
    ]
    assert list(table.loc[[root.key, first.key], "init"]) == ["Fresh", "Snapshot"]
    assert table.loc[root.key, "sparsity"] == 0
    assert table.loc[second.key, "sparsity"] == pytest.approx(1 - 0.7**2, abs=0.01)
    assert table.loc[root.key, "model"] == root.recipe.model.name
    run = store.find(first.key)
    assert table.loc[first.key, "test_accuracy"] == run.metrics["test_accuracy"]
    assert table.loc[first.key, "arithmetic"] == str(run.arithmetic)
    assert table["bytes"].sum() < store.size
    assert f"3 runs in {store.root}/" in store._repr_html_()
    assert Store.of(store) is store and Store.of(str(store.root)).root == store.root


def test_a_run_is_opened_by_the_first_digits_of_its_key(chain, tmp_path):
    store, (root, *_) = chain
    found = tfl.Store(str(store.root)).open(root.key[:10])
    assert same_arrays(found.snapshot("end"), store.find(root.key).snapshot("end"))
    assert found.history[0]["step"] > 0 and found.size > 0
    for digits in ("", "xyz"):
        with pytest.raises(tfl.UserError, match=f"no run whose key begins with '{digits}'"):
            store.open(digits)
    assert tfl.Store(tmp_path / "new").runs().empty


def test_what_others_were_made_from_is_not_deleted(chain):
    store, (root, first, second) = chain
    with pytest.raises(tfl.UserError, match=f"{second.key[:12]} was made from {first.key[:12]}"):
        store.delete([first.key])
    size = store.find(second.key).size
    assert store.delete([second.key[:12]]) == size
    assert store.find(second.key) is None and store.find(first.key) is not None
    store.delete([root.key, first.key])
    assert store.runs().empty
    # It is trained again where it is asked for.
    Realiser(store, [second])(second)
    assert len(store.runs()) == 3


def test_what_another_process_deletes_meanwhile_is_gone_and_no_error(chain, monkeypatch):
    store, (root, first, second) = chain
    found = inventory.deletable(store.root, [second.key])
    monkeypatch.setattr(inventory, "deletable", lambda *_: found)
    assert store.delete(second.key) > 0 == store.delete(second.key)
    monkeypatch.undo()
    # Those that were listed before it went.
    listed = [store.find(root.key), found[0], store.find(first.key)]
    monkeypatch.setattr(inventory, "every_run", lambda _: iter(listed))
    assert set(store.runs()["key"]) == set(store.unneeded(None)) == {root.key, first.key}
    assert inventory.deletable(store.root, []) == []


def test_a_deletion_that_is_cut_short_leaves_no_half_run(chain, monkeypatch):
    store, (root, first, second) = chain

    def killed(folder, **_):
        (folder / "run.json").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(files.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            store.delete(second.key)
    assert store.find(second.key) is None
    assert set(store.runs()["key"]) == {root.key, first.key}
    Realiser(store, [second])(second)
    assert len(store.runs()) == 3 and not list(store.root.glob(f"{files.STAGING_PREFIX}*"))


def test_a_run_without_its_record_says_what_to_do(chain):
    store, (_, _, second) = chain
    (store.find(second.key).folder / "run.json").unlink()
    for read in (store.runs, lambda: store.unneeded(None), lambda: store.open(second.key).record):
        with pytest.raises(
            tfl.UserError, match=r"run\.json is missing\)\. Delete that folder, and"
        ):
            read()
    assert store.delete(second.key) > 0
    assert len(store.runs()) == 2


def test_what_tickets_and_studies_name_is_needed_with_its_ancestors(chain, tmp_path):
    store, (root, first, second) = chain
    assert set(store.unneeded(None)) == {root.key, first.key, second.key}
    folder = store.root / "studies" / "mine"
    folder.mkdir(parents=True)
    pd.DataFrame({"key": [first.key], "state": ["done"]}).to_csv(folder / "cells.csv", index=False)
    pd.DataFrame({"level": [0.3]}).to_csv(folder / "layers.csv", index=False)
    assert store.unneeded(tmp_path / "tickets") == [second.key]
    store.delete(store.unneeded(None))
    assert store.unneeded(None) == []


def test_a_ticket_that_cannot_be_read_deletes_nothing(chain, tmp_path):
    store, _ = chain
    (tmp_path / "tickets" / "one").mkdir(parents=True)
    for content in (b'{"format_version": 1}', b"[]", b"\xff", b"[" * 100_000):
        (tmp_path / "tickets" / "one" / "ticket.json").write_bytes(content)
        with pytest.raises(tfl.UserError, match=r"ticket\.json"):
            store.unneeded(tmp_path / "tickets")
