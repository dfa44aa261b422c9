"""The store: whole or absent, checked, shared, resumed."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import store_load
from tests.chains import dense, pruned
from tests.conftest import same_arrays, user_environment
from tflottery import arithmetic, files
from tflottery.arithmetic import Arithmetic
from tflottery.data import corpus as corpora
from tflottery.errors import DamagedFileError, TrainingError, UserError
from tflottery.pruning import masks
from tflottery.pruning.masks import By
from tflottery.runs.encoded import load_corpus
from tflottery.runs.inits import Signs, Snapshot
from tflottery.runs.pruned import Pruned
from tflottery.runs.realise import Realiser, mixed_arithmetic
from tflottery.runs.shuffled import Shuffled
from tflottery.runs.specs import Fresh
from tflottery.runs.store import Store
from tflottery.training.trainer import Trainer


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"cannot mount a file system here: {mounted.stderr.strip()}")
    yield folder
    # Encoded data stay mapped into memory, so the file system is unmounted when this process ends.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that gets an element for every training."""
    calls: list[int] = []
    original = Trainer.train

    def train(self, *arguments, **options):
        calls.append(1)
        return original(self, *arguments, **options)

    monkeypatch.setattr(Trainer, "train", train)
    return calls


def test_a_chain_is_realised_once_and_starts_at_mask_times_rewound_weights(
    tmp_path, small_recipe, count
):
    root = dense(small_recipe)
    first = pruned(root, root)
    second = pruned(first, root)
    probe = dataclasses.replace(second, init=Snapshot(second, "0ep"))
    realise = Realiser(Store(tmp_path / "runs"), [second, probe])
    run = realise(second)
    assert len(count) == 3
    start = run.snapshot("0ep")
    original = realise(root).snapshot("0ep")
    assert same_arrays(start, masks.apply(run.masks(), original))
    earlier = realise(first).masks()
    assert all(not (kept & ~earlier[name]).any() for name, kept in run.masks().items())
    final = realise(first).snapshot("end")
    scores = {name: np.abs(final[name]) for name in earlier}
    assert same_arrays(run.masks(), masks.prune(earlier, scores, By(0.3)))
    assert same_arrays(realise.initial_weights(second), original)

    again = Realiser(Store(tmp_path / "runs"), [second])
    assert again.is_done(second) and again(second).metrics == run.metrics
    assert len(count) == 3


def test_excluded_tensors_stay_dense_and_the_rest_is_pruned(tmp_path, small_recipe):
    root = dense(small_recipe)
    excluded = {
        "embedding/embeddings": Pruned(root, By(0.3), embedding=False),
        "head/kernel": Pruned(root, By(0.3), head=False),
    }
    tickets = {name: dataclasses.replace(root, mask=mask) for name, mask in excluded.items()}
    realise = Realiser(Store(tmp_path / "runs"), tickets.values())
    for left_out, ticket in tickets.items():
        for name, kept in realise(ticket).masks().items():
            pruned_weights = 0 if name == left_out else round(0.3 * kept.size)
            assert kept.sum() == kept.size - pruned_weights


def test_rewinding_to_the_beginning_is_original_init_and_to_the_end_is_finetuning(
    tmp_path, small_recipe
):
    root = dense(small_recipe)
    tuned = pruned(root, root, at="end")
    realise = Realiser(Store(tmp_path / "runs"), [tuned])
    assert same_arrays(realise.initial_weights(tuned), realise(root).snapshot("end"))
    seed_one = realise.initial_weights(root)
    assert same_arrays(realise.initial_weights(pruned(root, root)), seed_one)


def test_controls_change_one_thing_each(tmp_path, small_recipe):
    root = dense(small_recipe)
    ticket = pruned(root, root)
    reinit = dataclasses.replace(ticket, init=Fresh(77))
    shuffled = dataclasses.replace(ticket, mask=Shuffled(ticket.mask, 5))
    signs = dataclasses.replace(ticket, init=Signs(ticket.init))
    realise = Realiser(Store(tmp_path / "runs"), [ticket, reinit, shuffled, signs])
    kept = {spec.key: realise(spec).masks() for spec in (ticket, reinit, shuffled, signs)}
    start, signed = realise.initial_weights(ticket), realise.initial_weights(signs)
    for name, weight in start.items():
        if name in kept[ticket.key]:
            assert np.array_equal(np.sign(signed[name]), np.sign(weight))
            assert np.unique(np.abs(signed[name])).size == 1
        else:
            assert np.array_equal(signed[name], weight)
    assert same_arrays(kept[signs.key], kept[ticket.key])
    assert same_arrays(kept[reinit.key], kept[ticket.key])
    assert not same_arrays(realise.initial_weights(reinit), realise.initial_weights(ticket))
    assert same_arrays(realise.initial_weights(shuffled), realise.initial_weights(ticket))
    for name, mask in kept[ticket.key].items():
        assert kept[shuffled.key][name].sum() == mask.sum()
    assert not same_arrays(kept[shuffled.key], kept[ticket.key])


def test_a_snapshot_asked_for_later_is_trained_again_to_the_same_bits(
    tmp_path, small_recipe, count, monkeypatch
):
    root = dense(small_recipe)
    store = Store(tmp_path / "runs")
    before = Realiser(store, [root])(root)
    end = before.snapshot("end")
    late = pruned(root, root, at="2it")
    realise = Realiser(store, [late])
    assert not realise.is_done(root)
    realise(late)
    assert len(count) == 3
    after = realise(root)
    assert {"0ep", "1ep", "2it", "end"} <= set(after.snapshots)
    assert same_arrays(after.snapshot("end"), end)

    # If the machine computes otherwise, the new weights must not be mixed with old children.
    train = Trainer.train

    def compute_otherwise(self, *arguments, **options):
        trained = train(self, *arguments, **options)
        trained.snapshots["end"]["head/bias"] += 1
        return trained

    monkeypatch.setattr(Trainer, "train", compute_otherwise)
    later = pruned(root, root, at="3it")
    with pytest.raises(TrainingError, match="other weights"):
        Realiser(store, [later])(later)

    # Equal weights are required only if the arithmetic is the same.
    other = Arithmetic("avx2", onednn=False, threads=9)
    monkeypatch.setattr(arithmetic, "current", lambda: other)
    Realiser(store, [later])(later)
    record = store.find(root.key).record
    assert record["arithmetic"] == {"instructions": "avx2", "onednn": False, "threads": 9}
    assert Arithmetic.from_record(record["replaced"]["arithmetic"]) == after.arithmetic
    runs = [store.find(root.key), store.find(late.key)]
    assert mixed_arithmetic(runs).startswith(
        f"Mixed arithmetic: 1 with avx2, oneDNN off, 9 threads; 1 with {after.arithmetic}."
    )
    assert mixed_arithmetic(runs[:1]) == ""


@pytest.mark.parametrize("name", ["run.json", "masks.npz", "end.npz"])
def test_a_flipped_byte_anywhere_in_a_run_is_found(tmp_path, small_recipe, name):
    root = dense(small_recipe)
    store = Store(tmp_path / "runs")
    run = Realiser(store, [root])(root)
    path = run.folder / name
    whole = path.read_bytes()
    for position in np.linspace(0, len(whole) - 2, 9).astype(int):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        damaged = store.find(root.key)
        with pytest.raises(UserError, match=f"{name}.*(damaged|format)"):
            _ = (damaged.metrics, damaged.masks(), damaged.snapshot("end"))


def test_a_store_of_another_format_or_a_folder_of_other_things(tmp_path):
    (tmp_path / "store.json").write_text('{"format_version": 99}')
    with pytest.raises(UserError, match="format version 99"):
        Store(tmp_path)
    for content in (b"[]", b"", b"\xff", b"[" * 100_000, b'{"format_version"'):
        (tmp_path / "store.json").write_bytes(content)
        with pytest.raises(UserError, match="damaged"):
            Store(tmp_path)
    (tmp_path / "store.json").write_bytes('{"ü": 0, "format_version": 1}'.encode())
    Store(tmp_path)
    (tmp_path / "store.json").rename(tmp_path / "letter.txt")
    with pytest.raises(UserError, match="other things"):
        Store(tmp_path)
    with pytest.raises(UserError, match="no folder to write to"):
        Store(tmp_path / "letter.txt" / "runs")


def test_a_size_is_of_what_is_whole_while_others_write(tmp_path, monkeypatch):
    store = Store(tmp_path / "runs")
    for name in ("k/masks.npz", "k/.staging-9", ".staging-m-1/end.npz", "data/a/.staging-b-2/ids"):
        (store.root / name).parent.mkdir(parents=True, exist_ok=True)
        (store.root / name).write_bytes(b"12345")
    assert store.size == store.find("k").size == 5
    listed = [(str(store.root / one), [], ["masks.npz"]) for one in ("k", "gone")]
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "walk", lambda _: iter(listed))
        assert store.size == 5
    assert Store(tmp_path / "none").size == 0


@pytest.mark.parametrize("address", ["gs://bucket/runs", "s3://runs"])
def test_a_bucket_is_no_store(tmp_path, monkeypatch, address):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"object store.*give --store a folder"):
        Store(Path(address))
    assert list(tmp_path.iterdir()) == []


def test_opening_a_store_writes_nothing(tmp_path):
    Store(tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.text(max_size=6).filter(lambda key: key != "sha256"), json_values))
def test_sealing_is_lossless_and_any_change_breaks_the_seal(tmp_path_factory, payload):
    path = tmp_path_factory.mktemp("seal") / "x.json"
    payload = {**payload, "format_version": 1}
    path.write_text(files.seal(payload), encoding="utf-8")
    assert files.read_sealed(path, what="thing", format_version=1) == payload
    changed = json.loads(path.read_text(encoding="utf-8"))
    changed["another"] = 1
    path.write_text(json.dumps(changed), encoding="utf-8")
    with pytest.raises(DamagedFileError):
        files.read_sealed(path, what="thing", format_version=1)


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError), files.new_folder(tmp_path / "new") as staging:
        (staging / "half").write_text("")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    for content in ("one", "two"):
        with files.new_folder(tmp_path / "new") as staging:
            (staging / "file").write_text(content)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert (tmp_path / "new" / "file").read_text() == "two"


def test_a_full_disk_is_an_error_that_loses_nothing_finished(small_disk, small_recipe, count):
    root = dense(small_recipe)
    ticket = pruned(root, root)
    store = Store(small_disk / "runs")
    finished = Realiser(store, [ticket])(root)
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space left"), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    with pytest.raises(OSError, match="No space left"):
        Realiser(store, [ticket])(ticket)
    # The failed run left nothing, neither whole nor in part.
    assert [path.name for path in store.root.glob("[!.]*/run.json")] == ["run.json"]
    assert store.find(ticket.key) is None and not list(store.root.glob(f"{files.STAGING_PREFIX}*"))
    assert same_arrays(store.find(root.key).snapshot("end"), finished.snapshot("end"))

    ballast.unlink()
    assert Realiser(store, [ticket])(ticket).metrics["epochs"] >= 1
    assert len(count) == 3  # dense; the ticket, whose files did not fit; the ticket again


def test_no_pickle_is_ever_loaded(tmp_path):
    path = tmp_path / "a.npz"
    with path.open("wb") as stream:
        np.savez(stream, evil=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DamagedFileError):
        files.read_arrays(path, files.sha256_of_file(path))


def _hold(root: str, key: str, entered: multiprocessing.synchronize.Event) -> None:
    with Store(Path(root)).lock(key):
        entered.set()
        time.sleep(60)


def test_a_lock_keeps_others_out_and_dies_with_its_holder(tmp_path):
    context = multiprocessing.get_context("spawn")
    entered = context.Event()
    holder = context.Process(target=_hold, args=(str(tmp_path / "runs"), "k", entered))
    holder.start()
    try:
        assert entered.wait(120)
        handle = os.open(tmp_path / "runs" / "locks" / "k", os.O_RDWR)
        import fcntl

        with pytest.raises(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        holder.kill()
        holder.join()
    with Store(tmp_path / "runs").lock("k"):
        pass


FIND = [sys.executable, "-m", "tflottery.cli.find_ticket", "--dataset", "toy"]
FIND += ["--sparsity", "0.36", "--store", "runs", "--set", "training.epochs=2"]


def _finished(root: Path) -> dict[str, dict]:
    runs = {path.parent.name: json.loads(path.read_text()) for path in root.glob("[!.]*/run.json")}
    for record in runs.values():
        del record["seconds"], record["sha256"]
    return runs


@pytest.mark.long
def test_killed_runs_resume_and_two_processes_share_a_store(tmp_path):
    """kill -9 in the middle, then two processes at once: the results of an undisturbed run."""
    environment = user_environment()

    def start(folder: Path) -> subprocess.Popen:
        folder.mkdir(exist_ok=True)
        return subprocess.Popen(
            FIND, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    killed, calm = tmp_path / "killed", tmp_path / "calm"
    victim = start(killed)
    deadline = time.monotonic() + 240
    while not _finished(killed / "runs") and time.monotonic() < deadline:
        time.sleep(0.05)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    survivors = _finished(killed / "runs")
    assert 1 <= len(survivors) < 4
    written = {path: path.stat().st_mtime_ns for path in (killed / "runs").glob("[!.]*/run.json")}

    both = [start(killed), start(killed)]
    outputs = [process.communicate(timeout=300)[0].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert all(path.stat().st_mtime_ns == at for path, at in written.items())

    undisturbed = start(calm)
    assert undisturbed.communicate(timeout=300) and undisturbed.returncode == 0
    assert _finished(killed / "runs") == _finished(calm / "runs")
    tickets = [next(folder.glob("tickets/*")).name for folder in (killed, calm)]
    assert tickets[0] == tickets[1]


def test_eight_processes_killed_at_random_leave_every_run_once_and_whole(tmp_path):
    root = tmp_path / "runs"
    subprocess.run(
        [sys.executable, "-m", "tests.store_load", str(root), "1"],
        env=user_environment(),
        check=True,
        timeout=300,
    )
    ends = Counter((tmp_path / "runs.ended").read_text().split())
    killed = ends.pop(str(-signal.SIGPROF))
    assert killed > store_load.KILLS / 2 and set(ends) == {"0"}
    written = (tmp_path / "runs.written").read_text().split()
    assert len(written) == len(set(written))
    store = Store(root)
    for spec in store_load.specs():
        run, expected = store.find(spec.key), store_load.drawn(spec)
        assert run.metrics == expected.metrics
        assert same_arrays(run.masks(), expected.masks)
        for step in ("0ep", "1ep", "end"):
            assert same_arrays(run.snapshot(step), expected.snapshots[step])
    # What a killed process left half-written was deleted when another process wrote that run.
    assert not list(root.glob(f"{files.STAGING_PREFIX}*-*"))


def test_encoded_data_that_another_process_wrote_meanwhile_are_taken(tmp_path, small_settings):
    store = Store(tmp_path / "runs")
    first = load_corpus(small_settings, store)
    (folder,) = (store.root / "data").iterdir()
    before = folder.stat().st_ino
    corpora._write(folder, first)
    assert folder.stat().st_ino == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_store_that_another_process_makes_at_this_moment_is_no_folder_of_other_things(tmp_path):
    (tmp_path / f"{files.STAGING_PREFIX}store.json-x").write_text("{")
    Store(tmp_path)
