"""Executors: all give the same runs, and train each once, whatever happens to the workers."""

from __future__ import annotations

import dataclasses
import importlib
import os
import pickle
import signal
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path

import pytest
import tensorflow as tf

from tests.chains import RECIPE, chain, dense
from tests.conftest import user_environment, write_reviews
from tests.registries import put_back
from tests.test_study import TINY
from tests.workers import Tally, contents, done_by_local, make_plan, make_recipe
from tflottery.cli import study
from tflottery.data.settings import DataSettings
from tflottery.errors import TrainingError, UserError
from tflottery.metrics import METRICS
from tflottery.runs.executors import EXECUTORS, make_executor
from tflottery.runs.processes import Processes, ProcessPool, visible_gpus
from tflottery.runs.realise import Realiser, realise_all
from tflottery.runs.resources import Resources
from tflottery.runs.specs import RunSpec, ancestry
from tflottery.runs.store import Store
from tflottery.runs.tasks import Broken, Lost, Message, Ready, Task, perform
from tflottery.startup import environment
from tflottery.tickets import plan as plans
from tflottery.tickets.settings import PruningSettings

# Messages to a worker


@pytest.mark.parametrize("rate", [0.2, 0.05])
def test_a_task_arrives_whole_however_long_its_chain(rate):
    plan = plans.make_plan(RECIPE, PruningSettings(rate=rate, init="rewind:1ep"), 1)
    keys = [spec.key for spec in plan.specs()]
    spec = plan.levels[-1].ticket
    arrived = pickle.loads(pickle.dumps(Task(spec, ("1ep",))))
    assert arrived.snapshots == ("1ep",)
    assert {one.key for one in ancestry([arrived.spec])} == {one.key for one in ancestry([spec])}
    assert arrived.spec.key in keys and len(ancestry([arrived.spec])) == len(plan.levels) + 1
    fresh = dataclasses.replace(arrived.spec)  # a copy without the key that was cached
    assert fresh.key == spec.key


def test_a_task_brings_the_metric_that_it_monitors(tmp_path, monkeypatch):
    (tmp_path / "my_metric.py").write_text(
        "import tflottery as tfl\n"
        "@tfl.register_metric('mine', higher_is_better=False)\n"
        "def mine(labels, scores):\n"
        "    return 0.5\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with put_back():
        importlib.import_module("my_metric")
        spec = dense(RECIPE).with_training(monitor="val_mine")
        sent = pickle.dumps(Task(spec, ("end",)))
        # In a worker nobody has imported it yet.
        del METRICS["mine"], sys.modules["my_metric"]
        assert pickle.loads(sent).spec.recipe.training.metric.sign == -1
        # Where it cannot be imported, the worker says so.
        del METRICS["mine"], sys.modules["my_metric"]
        monkeypatch.setattr(sys, "path", [])
        monkeypatch.setattr(sys, "path_importer_cache", {})
        said: list[Message] = []
        perform(pickle.loads(sent), Store(tmp_path / "runs"), said.append)
        (broken,) = said
        assert isinstance(broken, Broken) and isinstance(broken.error, UserError)
        assert str(broken.error).startswith("In a worker: There is no module 'my_metric'")


def test_threads_are_set_in_the_environment(monkeypatch):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(8))

    def threads(executor: str = "", workers: int | None = None, given: int | None = None):
        return Resources.shared(executor, workers, given, "auto").threads

    assert threads() is None and threads("local", given=3) == 3
    assert [threads(workers=n) for n in (1, 3, 8, 20)] == [8, 2, 1, 1]
    assert threads("processes") == 1 and threads("ray", workers=2) == 1
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "5")
    assert threads(workers=8) == 5 and threads() is None
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "all")
    with pytest.raises(UserError, match="TF_NUM_INTRAOP_THREADS takes a whole number, not 'all'"):
        threads(workers=8)
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    assert {name: environment(2)[name] for name in names} == dict.fromkeys(names, "2")
    assert "TF_NUM_INTRAOP_THREADS" not in environment(None)


def test_one_training_after_the_other_takes_no_workers():
    assert Resources.shared("local", 1, None, "auto").executor == "local"
    with pytest.raises(UserError, match=r"--executor local trains .*; leave out --workers"):
        Resources.shared("local", 2, None, "auto")


def test_an_unknown_executor_is_named():
    with pytest.raises(UserError, match=r"'proceses'.*Did you mean 'processes'"):
        make_executor(Resources("proceses"))
    assert make_executor(Resources()) is realise_all
    assert {"local", "processes"} <= set(EXECUTORS)


# Real workers


@pytest.fixture(scope="module")
def plan(small_settings: DataSettings) -> list[RunSpec]:
    return make_plan(make_recipe(small_settings))


@pytest.fixture(scope="module")
def local(plan: list[RunSpec], tmp_path_factory: pytest.TempPathFactory):
    return done_by_local(plan, tmp_path_factory.mktemp("local") / "runs")


def workers_of(store: Path) -> list[int]:
    """The worker processes of a store."""
    listed = subprocess.run(["ps", "-ewwo", "pid,args"], capture_output=True, text=True, check=True)
    lines = [line for line in listed.stdout.splitlines() if str(store) in line]
    return [int(line.split()[0]) for line in lines if "tflottery.runs.worker" in line]


def test_processes_give_what_local_gives_whoever_is_killed(plan, local, tmp_path, monkeypatch):
    failures, expected = local
    assert len(expected) == 8 and set(failures.values()) == {
        "the loss is not finite; lower training.learning_rate"
    }
    tally = Tally(victims=tmp_path / "runs")
    realise = Realiser(Store(tmp_path / "runs"), plan, tally)
    assert Processes(Resources(workers=2))(plan, realise) == failures
    assert contents(tmp_path / "runs") == expected
    (reason,) = (reason for reason in tally.reasons if "SIGKILL" in reason)
    assert reason.endswith("taken again")
    assert {tally.events["ended", key] for key in expected} == {1}
    assert {tally.events["testing", key] for key in expected} == {1}
    # Each training began once, the killed one twice; of those that fail, only the first began.
    begun = sum(tally.events["begun", spec.key] for spec in ancestry(plan))
    assert begun == len(expected) + 2
    assert workers_of(tmp_path / "runs") == []
    # Nothing is left to do, so no worker is started: starting one would fail now.
    monkeypatch.setattr(sys, "executable", "/bin/false")
    done = [spec for spec in plan if spec.key not in failures]
    assert Processes(Resources(workers=2))(done, Realiser(Store(tmp_path / "runs"), plan)) == {}


def test_a_damaged_run_ends_processes_as_it_ends_local(small_settings, tmp_path):
    store = Store(tmp_path / "runs")
    one, two = chain(make_recipe(small_settings), 1, rounds=1)
    run = Realiser(store, [two])(one)
    snapshot = run.folder / "end.npz"
    snapshot.write_bytes(snapshot.read_bytes()[:-1] + b"?")
    with pytest.raises(UserError, match=r"end\.npz.*damaged"):
        Processes(Resources(workers=1))([two], Realiser(store, [two]))
    assert workers_of(tmp_path / "runs") == []


def test_a_worker_begins_and_ends_whatever_its_surroundings(tmp_path, monkeypatch):
    """The current folder may hold modules of any name, and background jobs ignore Ctrl-C."""
    monkeypatch.chdir(tmp_path)
    if sys.version_info >= (3, 11):  # older Pythons always import from the current folder
        (tmp_path / "queue.py").write_text("raise RuntimeError")
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ProcessPool(tmp_path / "runs", 1, environment(1)) as pool:
            pool.keep(1)
            (worker,) = pool.workers.values()
            assert pool.messages() == [(0, Ready())]
    finally:
        signal.signal(signal.SIGINT, before)
    assert worker.process.returncode == 0


def test_each_gpu_has_a_worker_also_after_one_was_lost(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind, kind])
    idle = tmp_path / "idle"
    idle.write_text("#!/bin/sh\nexec sleep 60\n")
    idle.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(idle))

    def settings(worker: subprocess.Popen[bytes]) -> list[bytes]:
        # Popen returns a moment before the kernel shows the environment of the new program.
        until = time.monotonic() + 60
        while not (environ := Path(f"/proc/{worker.pid}/environ").read_bytes()):
            assert time.monotonic() < until
            time.sleep(0.01)
        return environ.split(b"\0")

    with ProcessPool(tmp_path / "runs", 2, environment(1), visible_gpus()) as pool:
        for _ in range(2):
            assert pool.keep(9) == 2
            one, other = (worker.process for worker in pool.workers.values())
            assert {b"CUDA_VISIBLE_DEVICES=4", b"TF_FORCE_GPU_ALLOW_GROWTH=true"} <= set(
                settings(one)
            )
            assert b"CUDA_VISIBLE_DEVICES=5" in settings(other)
            other.kill()
            ((_, message),) = pool.messages()
            assert isinstance(message, Lost) and message.reason.startswith("SIGKILL")


def test_workers_that_cannot_start_end_the_command(plan, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(TrainingError, match=r"workers end before they begin: .*exit code"):
        Processes(Resources(workers=1))(plan, Realiser(Store(tmp_path / "runs"), plan))


# As commands


@pytest.mark.parametrize(
    ("end", "code"),
    [(signal.SIGINT, 130), (signal.SIGKILL, -9)],
)
@pytest.mark.long
def test_a_study_that_is_ended_leaves_no_worker_and_goes_on(command, tmp_path, end, code):
    write_reviews(tmp_path / "mine.csv")
    (tmp_path / "tiny.toml").write_text(TINY)
    flags = ["--config", "tiny.toml", "--dataset", "mine.csv", "--seeds", "1", "--threads", "1"]
    flags += ["--set=training.epochs=2", '--set=study.instability_points=["0ep"]']
    store = tmp_path / "runs"
    shared = [*flags, "--workers", "2", "--store", str(store)]
    victim = subprocess.Popen(
        [sys.executable, "-m", "tflottery.cli.study", *shared],
        cwd=tmp_path,
        env=user_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    until = time.monotonic() + 240
    while not list(store.glob("[!.]*/run.json")) and time.monotonic() < until:
        time.sleep(0.05)
    assert len(workers_of(store)) == 2
    victim.send_signal(end)
    errors = victim.communicate(timeout=60)[1].decode()
    assert victim.returncode == code
    if end == signal.SIGINT:
        assert errors.startswith("study: interrupted. Finished trainings are kept")
        assert errors.count("\n") == 1 and not list(store.glob(".staging-*"))
    until = time.monotonic() + 30
    while workers_of(store) and time.monotonic() < until:
        time.sleep(0.05)
    assert workers_of(store) == []

    kept = {path: path.stat().st_mtime_ns for path in store.glob("[!.]*/run.json")}
    done = command("study", *shared)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and "in the store already" in done.stdout
    assert all(path.stat().st_mtime_ns == at for path, at in kept.items())
    assert workers_of(store) == []
    alone = command("study", *flags, "--store", "alone")
    assert alone.returncode == 0, alone.stderr
    assert tables(store) == tables(tmp_path / "alone")


def tables(store: Path) -> dict[str, bytes]:
    """The tables that a study wrote, without times."""
    files = (store / "studies" / "tiny").iterdir()
    return {path.name: path.read_bytes() for path in files if path.stem != "timings"}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--workers", "0"], "--workers takes a whole number from 1"),
        (["--threads", "two"], "--threads takes a whole number from 1"),
        (["--executor", "proceses"], "Did you mean 'processes'"),
        (["--executor", "local", "--workers", "2"], "--executor local trains one after the other"),
        (["--executor", "ray"], "There is no Ray cluster at auto; start one with ray start"),
        (["--executor", "ray", "--address", "127.0.0.1:1"], "no Ray cluster at 127.0.0.1:1"),
        (["--executor", "ray", "--address", "here"], "--address takes auto or host:port"),
        (["--executor", "ray", "--address", "x..y:80"], "no Ray cluster at x..y:80"),
        (["--executor", "ray", "--address", f"{'x' * 70}:80"], "no Ray cluster at xxx"),
        (["--executor", "ray", "--address", "127.0.0.1:99999"], "--address takes auto or"),
        (["--executor", "ray", "--address", f"127.0.0.1:{'9' * 5000}"], "--address takes auto or"),
        (["--executor", "ray", "--address", "x\0y:80"], "--address"),
        (["--address", "here:6379"], "--executor local asks none; give --executor ray"),
        (["--address", "here:6379", "--workers", "2"], "--executor processes asks none"),
        (["--simulate", "1,0"], "--simulate takes numbers of workers"),
        (["--simulate", "1,many"], "numbers of workers, as 1,10,100; not '1,many'"),
        (["--simulate", "2"], "runs holds no training that tells how long"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_two(
    tmp_path, monkeypatch, capfd, flags, message
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if flags == ["--executor", "ray"]:
        # Another cluster may run on this machine, or may have left its address behind.
        services = pytest.importorskip("ray._private.services")
        monkeypatch.setattr(services, "find_gcs_addresses", lru_cache(frozenset))
        monkeypatch.setattr(services, "find_bootstrap_address", lambda folder: None)
    assert study.main(["--config", "study_toy", "--seeds", "1", *flags]) == 2
    errors = capfd.readouterr().err
    assert message in errors and errors.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
