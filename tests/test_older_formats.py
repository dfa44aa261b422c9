"""What version 0.1.0 of November 2026 wrote is found and read: keys, runs, tickets.

The files are made here and cut down to what that version wrote.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

import tflottery as tfl
from tests.chains import dense, pruned
from tests.conftest import same_arrays
from tests.exported import make_ticket
from tflottery.data.reading import sources
from tflottery.data.settings import DataSettings
from tflottery.files import seal
from tflottery.models.shipped.cnn import Cnn
from tflottery.runs import inventory
from tflottery.runs.realise import Realiser, mixed_arithmetic
from tflottery.runs.recipes import Recipe
from tflottery.runs.store import Store
from tflottery.training.settings import TrainingSettings

# The keys of [data] at that time.
DATA = {
    "dataset", "data_dir", "text_column", "label_column", "vocabulary_size", "max_length",
    "validation", "fingerprint", "train_size", "share_vocabulary", "vocabulary_from",
}  # fmt: skip


def reseal(path: Path, **changes: object) -> None:
    """Writes a sealed document with other values; None leaves a key out."""
    document = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    kept = {key: value for key, value in document.items() if value is not None and key != "sha256"}
    path.write_text(seal(kept), encoding="utf-8")


def test_a_run_that_recorded_no_arithmetic(tmp_path, small_recipe):
    root = dense(small_recipe)
    store = Store(tmp_path / "runs")
    end = Realiser(store, [root])(root).snapshot("end")
    reseal(store.root / root.key / "run.json", arithmetic=None)
    run = tfl.Store(tmp_path / "runs").find(root.key)
    assert run.arithmetic is None and same_arrays(run.snapshot("end"), end)
    assert store.runs()["arithmetic"].tolist() == ["not recorded"]
    ticket = pruned(root, root)
    realise = Realiser(store, [ticket])
    runs = [realise(ticket), realise(root)]
    assert "1 with not recorded" in mixed_arithmetic(runs)
    # Trained again for one more snapshot it ends with the same bits here, and records how.
    late = pruned(root, root, at="2it")
    again = Realiser(store, [late])
    again(late)
    assert same_arrays(again(root).snapshot("end"), end) and again(root).arithmetic is not None
    assert "replaced" not in again(root).record


def test_a_ticket_of_fewer_settings(tmp_path):
    ticket = make_ticket(tmp_path / "ticket", "cnn")
    recipe = ticket.about["recipe"]
    data = {key: value for key, value in recipe["data"].items() if key in DATA}
    assert set(data) == DATA
    reseal(ticket.folder / "ticket.json", recipe={**recipe, "data": data})
    older = tfl.load_ticket(ticket.folder)
    assert older.recipe == ticket.recipe
    assert same_arrays(older.masks, ticket.masks)


@pytest.mark.parametrize(
    ("seed", "key"),
    [
        (1, "3d3a26df1da7e5e76486037b3d1e432b028bd9424530f81fffe99e3c6b97ca73"),
        (2, "9a9992f37e8a47a130f48335cda1f395691a0130170dd3b593ed9453c8133584"),
    ],
)
def test_keys_of_a_file_with_unlike_texts(tmp_path, seed, key):
    rows = [
        f"text number {number} is {'good' if number % 2 else 'bad'},{number % 2}"
        for number in range(40)
    ]
    (tmp_path / "mine.csv").write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    data = sources.identify(DataSettings(dataset=str(tmp_path / "mine.csv"), max_length=9))
    root = dense(Recipe(data, Cnn(filters=3), TrainingSettings(epochs=2)), seed)
    late = dataclasses.replace(pruned(root, root, at="1ep"))
    assert late.key == key


# What ticket.json has had since the version after.
SINCE = (
    "sentence",
    "intervals",
    "texts",
    "baseline",
    "more",
    "cautions",
    "seeds",
    "by_seed",
    "metrics",
)


def test_a_ticket_of_format_one_is_read_and_its_verdict_is_said_to_be_of_before(tmp_path):
    ticket = make_ticket(tmp_path / "ticket", "cnn")
    run_key = "a" * 64
    reseal(
        ticket.folder / "ticket.json", **dict.fromkeys(SINCE), format_version=1, run_key=run_key,
        rounds=[{"run_key": run_key}], reinit_run_key="r",
    )  # fmt: skip
    older = tfl.load_ticket(ticket.folder)
    assert older.about["format_version"] == 1 and same_arrays(older.masks, ticket.masks)
    assert older.verdict == "winning ticket (by validation accuracy alone, without intervals)"
    assert older.verdict in repr(older) and older.verdict in older.reservation
    assert "judges it anew" in older.reservation
    assert older.sentence.lower() == f"{older.verdict}.".lower()
    assert older.save(tmp_path / "copy").about == older.about
    assert set(inventory._of_tickets(tmp_path / "ticket")) == {run_key, "d", "r"}


def test_all_runs_behind_a_ticket_of_several_seeds_are_kept(tmp_path):
    ticket = make_ticket(tmp_path / "ticket", "cnn")
    seeds = [{f"{name}_run_key": f"{name}{seed}" for name in ("dense", "ticket", "reinit")}
             for seed in (1, 2)]  # fmt: skip
    reseal(
        ticket.folder / "ticket.json", by_seed=seeds, reinit_run_key="r",
        rounds=[{"run_key": "one"}, {"run_key": "two"}],
    )  # fmt: skip
    assert set(inventory._of_tickets(tmp_path / "ticket")) == {
        "k", "d", "r", "one", "two", *(key for row in seeds for key in row.values())
    }  # fmt: skip
