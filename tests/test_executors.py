"""Executors: the same runs from every one, each once, whatever happens to the workers."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT, user_environment, write_reviews
from tflottery import lottery
from tflottery.cli import study
from tflottery.data.settings import DataSettings
from tflottery.errors import TrainingError, UserError
from tflottery.lottery import PruningSettings
from tflottery.models.cnn import Cnn
from tflottery.models.lstm import Lstm
from tflottery.pruning.masks import By
from tflottery.runs.executors import EXECUTORS, make_executor
from tflottery.runs.processes import Processes
from tflottery.runs.realise import Realiser, Silent, network, realise_all
from tflottery.runs.resources import Resources, environment
from tflottery.runs.schedule import Schedule
from tflottery.runs.simulation import Simulation, recorded_seconds
from tflottery.runs.specs import (
    Dense,
    Fresh,
    GraduallyPruned,
    Pruned,
    Recipe,
    RunSpec,
    Snapshot,
    ancestry,
)
from tflottery.runs.store import Store
from tflottery.runs.tasks import Task
from tflottery.training.settings import TrainingSettings
from tflottery.training.trainer import Trained, TrainingSeeds

RECIPE = Recipe(DataSettings(fingerprint="f"), Cnn(), TrainingSettings(epochs=3))


def dense(recipe: Recipe, seed: int) -> RunSpec:
    return RunSpec(recipe, Dense(), Fresh(seed), TrainingSeeds(seed, seed))


def pruned(parent: RunSpec, root: RunSpec) -> RunSpec:
    return dataclasses.replace(root, mask=Pruned(parent, By(0.3)), init=Snapshot(root, "0ep"))


def chain(recipe: Recipe, seed: int, rounds: int) -> list[RunSpec]:
    specs = [dense(recipe, seed)]
    for _ in range(rounds):
        specs.append(pruned(specs[-1], specs[0]))
    return specs


# The schedule


def test_long_chains_go_before_short_ones():
    long, short = chain(RECIPE, 1, rounds=3), chain(RECIPE, 2, rounds=1)
    schedule = Schedule([*short, *long])
    assert schedule.take() is long[0]
    assert schedule.take() is short[0] and schedule.take() is None
    for before, after in pairwise(long):
        schedule.done(before)
        assert schedule.take() is after
    schedule.done(short[0])
    assert schedule.take() is short[1] and schedule.open == 2


def test_the_length_of_a_chain_is_in_epochs():
    training = dataclasses.replace(RECIPE.training, epochs=20)
    (longest,) = chain(dataclasses.replace(RECIPE, training=training), 1, rounds=0)
    two = chain(RECIPE, 2, rounds=1)
    schedule = Schedule([*two, longest])
    assert schedule.take() is longest


def test_among_equals_a_worker_gets_the_network_that_it_has_compiled():
    other = dense(dataclasses.replace(RECIPE, model=Lstm()), 1)
    gradual = dataclasses.replace(dense(RECIPE, 1), mask=GraduallyPruned(0.5))
    mine = [dense(RECIPE, seed) for seed in (1, 2)]
    rated = dataclasses.replace(RECIPE.training, learning_rate=0.5)
    shares = dense(dataclasses.replace(RECIPE, training=rated), 1)
    schedule = Schedule([other, gradual, *mine, shares])
    compiled = {network(mine[0])}
    assert [schedule.take(compiled) for _ in range(5)] == [*mine, shares, other, gradual]


def test_a_failure_takes_its_descendants_and_leaves_the_rest():
    doomed, healthy = chain(RECIPE, 1, rounds=3), chain(RECIPE, 2, rounds=1)
    schedule = Schedule([*doomed, *healthy])
    schedule.done(schedule.take())
    schedule.fail(schedule.take())
    assert schedule.open == 2
    assert [schedule.take(), schedule.take()] == [healthy[0], None]


def test_a_run_that_loses_its_worker_is_taken_again_but_not_for_ever():
    first, second = chain(RECIPE, 1, rounds=1)
    schedule = Schedule([first, second])
    for again in (True, True, False):
        assert schedule.take() is first
        assert schedule.lose(first) is again
    assert schedule.open == 0


@given(st.data())
def test_every_run_is_handed_out_once_after_its_parents(data):
    specs = [dense(RECIPE, 0)]
    for number in range(1, data.draw(st.integers(1, 12), "runs")):
        mask = Pruned(specs[data.draw(st.integers(0, number - 1), "parent")], By(0.3))
        start = Snapshot(specs[data.draw(st.integers(0, number - 1), "start")], "0ep")
        seeds = TrainingSeeds(number, number)
        specs.append(RunSpec(RECIPE, mask, start, seeds))
    there = set(data.draw(st.sets(st.sampled_from([s.key for s in specs])), "done"))
    there = {parent.key for spec in specs if spec.key in there for parent in ancestry([spec])}
    missing = [spec for spec in specs if spec.key not in there]
    schedule = Schedule(missing)
    running: list[RunSpec] = []
    taken: Counter[str] = Counter()
    while schedule.open:
        if (spec := schedule.take()) is not None:
            taken[spec.key] += 1
            assert {parent.key for parent, _ in spec.needs()} <= there
            running.append(spec)
            continue
        spec = running.pop(data.draw(st.integers(0, len(running) - 1), "ends"))
        there.add(spec.key)
        schedule.done(spec)
    assert taken == Counter(spec.key for spec in missing)


# The simulation


def test_a_simulation_of_known_times():
    chains = [chain(RECIPE, seed, rounds=seed) for seed in (1, 2, 3)]
    runs = [spec for specs in chains for spec in specs]
    plan = Simulation([specs[-1] for specs in chains], dict.fromkeys([s.key for s in runs], 10.0))
    assert [spec.key for spec in plan.longest_chain()] == [spec.key for spec in chains[2]]
    assert (plan.work, plan.longest()) == (90, 40)
    timings = [plan.on(workers) for workers in (1, 2, 3, 100)]
    assert [timing.seconds for timing in timings] == [90, 50, 40, 40]
    assert timings[1].speed_up == 1.8 and timings[1].busy == 0.9
    assert plan.saturation().workers == 3


@given(st.lists(st.integers(0, 4), min_size=1, max_size=4), st.integers(1, 6), st.randoms())
def test_a_simulation_is_within_grahams_bound(rounds, workers, random):
    ends = [chain(RECIPE, seed, count)[-1] for seed, count in enumerate(rounds)]
    seconds = {spec.key: random.uniform(1, 9) for spec in ancestry(ends)}
    plan = Simulation(ends, seconds)
    took, longest = plan.on(workers).seconds, plan.longest()
    assert max(longest, plan.work / workers) <= took * (1 + 1e-9)
    assert took <= (plan.work + (workers - 1) * longest) / workers * (1 + 1e-9)


def test_times_that_are_not_recorded_are_drawn_from_those_that_are(tmp_path):
    store = Store(tmp_path / "runs")
    known, unknown = chain(RECIPE, 1, rounds=2), chain(RECIPE, 2, rounds=2)
    training = dataclasses.replace(RECIPE.training, epochs=30)
    longer = dense(dataclasses.replace(RECIPE, training=training), 3)
    weights = {"head/kernel": np.ones((2, 1), np.float32)}
    for spec, seconds in zip(known, (3.0, 6.0, 9.0), strict=True):
        trained = Trained(
            {"head/kernel": weights["head/kernel"] > 0}, {}, [], {"end": weights}, seconds
        )
        with store.lock(spec.key):
            store.write(spec, trained)
    specs = [*known, *unknown, longer]
    seconds, recorded = recorded_seconds(specs, store)
    assert recorded == 3 and [seconds[spec.key] for spec in known] == [3, 6, 9]
    assert {seconds[spec.key] for spec in unknown} <= {3, 6, 9}
    assert seconds[longer.key] in (30, 60, 90)
    assert recorded_seconds(specs, store)[0] == seconds
    elsewhere = dense(dataclasses.replace(RECIPE, model=Lstm()), 1)
    with pytest.raises(UserError, match="holds no training that tells"):
        recorded_seconds([*specs, elsewhere], store)


# What goes to a worker


@pytest.mark.parametrize("rate", [0.2, 0.05])
def test_a_task_arrives_whole_however_long_its_chain(rate):
    plan = lottery.make_plan(RECIPE, PruningSettings(rate=rate, init="rewind:1ep"), 1)
    keys = [spec.key for spec in plan.specs()]
    spec = plan.levels[-1].ticket
    arrived = pickle.loads(pickle.dumps(Task(spec, ("1ep",))))
    assert arrived.snapshots == ("1ep",)
    assert {one.key for one in ancestry([arrived.spec])} == {one.key for one in ancestry([spec])}
    assert arrived.spec.key in keys and len(ancestry([arrived.spec])) == len(plan.levels) + 1
    fresh = dataclasses.replace(arrived.spec)  # without the key that came along
    assert fresh.key == spec.key


def test_threads_are_said_in_the_environment(monkeypatch):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(8))

    def threads(executor: str = "", workers: int | None = None, given: int | None = None):
        return Resources.shared(executor, workers, given, "auto").threads

    assert threads() is None and threads("local", given=3) == 3
    assert [threads(workers=n) for n in (1, 3, 8, 20)] == [8, 2, 1, 1]
    assert threads("processes") == 1 and threads("ray", workers=2) == 1
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "5")
    assert threads(workers=8) == 5 and threads() is None
    assert environment(2)["TF_NUM_INTRAOP_THREADS"] == "2"
    assert "TF_NUM_INTRAOP_THREADS" not in environment(None)


def test_an_unknown_executor_is_named():
    with pytest.raises(UserError, match=r"'proceses'.*did you mean 'processes'"):
        make_executor(Resources("proceses"))
    assert make_executor(Resources()) is realise_all
    assert {"local", "processes"} <= set(EXECUTORS)


# Real workers


@pytest.fixture(scope="module")
def recipe(small_settings: DataSettings) -> Recipe:
    training = TrainingSettings(learning_rate=0.01, batch_size=16, epochs=2, patience=2)
    return Recipe(small_settings, Cnn(embedding=6, widths=(2,), filters=4), training)


@pytest.fixture(scope="module")
def plan(recipe: Recipe) -> list[RunSpec]:
    """Two chains, a late rewind, gradual pruning, and a training that fails with its children."""
    hot = dataclasses.replace(recipe.training, learning_rate=1e38, optimizer="sgd")
    doomed = chain(dataclasses.replace(recipe, training=hot), 3, rounds=2)
    one, two = chain(recipe, 1, rounds=3), chain(recipe, 2, rounds=1)
    late = dataclasses.replace(one[1], init=Snapshot(one[0], "3it"))
    gradual = dataclasses.replace(one[0], mask=GraduallyPruned(0.5))
    return [one[-1], late, doomed[-1], doomed[0], two[-1], gradual]


def contents(root: Path) -> dict[str, dict[str, bytes]]:
    """Every run's files, but for the time that it took."""
    found = {}
    for folder in root.glob("[!.]*/"):
        if (folder / "run.json").exists():
            record = json.loads((folder / "run.json").read_text())
            del record["seconds"], record["sha256"]
            files = {path.name: path.read_bytes() for path in folder.glob("*.npz")}
            found[folder.name] = {**files, "run.json": json.dumps(record).encode()}
    return found


@pytest.fixture(scope="module")
def local(plan: list[RunSpec], tmp_path_factory: pytest.TempPathFactory):
    """What ``local`` makes of the plan: its failures and its files."""
    root = tmp_path_factory.mktemp("local") / "runs"
    failures = realise_all(plan, Realiser(Store(root), plan))
    return failures, contents(root)


def children(parent: int) -> list[int]:
    """The processes that a process has started."""
    listed = subprocess.run(["ps", "-ewwo", "pid,ppid,args"], capture_output=True, text=True)
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()[1:]]
    return [int(pid) for pid, ppid, name in rows if int(ppid) == parent and "runs.worker" in name]


def holder(lock: Path) -> int | None:
    """The process that holds a lock."""
    inode = str(lock.stat().st_ino)
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if "FLOCK" in fields and "->" not in fields and fields[5].split(":")[-1] == inode:
            return int(fields[4])
    return None


class Tally(Silent):
    """Counts what it is told; kills a worker in the middle of its training."""

    def __init__(self, victims: Path | None = None) -> None:
        self._victims = victims  # the store of the workers of which one is to die
        self.told: Counter[tuple[str, str]] = Counter()
        self.reasons: list[str] = []

    def run_begun(self, spec):
        self.told["begun", spec.key] += 1

    def step_ended(self, spec, step, steps, logs):
        if self._victims and (worker := holder(self._victims / "locks" / spec.key)):
            os.kill(worker, signal.SIGKILL)
            self._victims = None

    def validated(self, spec, epoch, epochs, logs):
        self.told["validated", spec.key] += 1

    def run_ended(self, spec, run):
        self.told["ended", spec.key] += 1

    def run_stopped(self, spec, reason):
        self.reasons.append(reason)


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
    assert {tally.told["ended", key] for key in expected} == {1}
    # Each once, the killed one twice, and of those that fail only the first.
    begun = sum(tally.told["begun", spec.key] for spec in ancestry(plan))
    assert begun == len(expected) + 2
    assert children(os.getpid()) == []
    # Nothing is left to do, so no worker is started: it could not be.
    monkeypatch.setattr(sys, "executable", "/bin/false")
    done = [spec for spec in plan if spec.key not in failures]
    assert Processes(Resources(workers=2))(done, Realiser(Store(tmp_path / "runs"), plan)) == {}


def test_a_damaged_run_ends_it_as_it_ends_local(plan, recipe, tmp_path):
    store = Store(tmp_path / "runs")
    one, two = chain(recipe, 1, rounds=1)
    run = Realiser(store, [two])(one)
    snapshot = run.folder / "end.npz"
    snapshot.write_bytes(snapshot.read_bytes()[:-1] + b"?")
    with pytest.raises(UserError, match=r"end\.npz.*damaged"):
        Processes(Resources(workers=1))([two], Realiser(store, [two]))
    assert children(os.getpid()) == []


def test_workers_that_cannot_start_end_the_command(plan, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(TrainingError, match=r"workers end before they begin: .*exit code"):
        Processes(Resources(workers=1))(plan, Realiser(Store(tmp_path / "runs"), plan))


# A real Ray cluster of two machines, each a set of processes here


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A head that takes no work, and two machines of one core."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    # A busy machine answers late; one that is gone refuses at once.
    monkeypatch.setenv("RAY_health_check_timeout_ms", "60000")
    started = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    try:
        for _ in range(2):
            started.add_node(num_cpus=1)
        ray.init(started.address, log_to_driver=False, logging_level="error")
        yield started
    finally:
        ray.shutdown()
        started.shutdown()


class Disaster(Tally):
    """Counts as a tally; ends the machine on which a training goes on."""

    def __init__(self, cluster: object, store: Path) -> None:
        super().__init__()
        self._cluster = cluster
        self._store = store
        self.lost_machine = False

    def step_ended(self, spec: RunSpec, step: int, steps: int, logs: dict[str, float]) -> None:
        worker = holder(self._store / "locks" / spec.key)
        if self.lost_machine or worker is None:
            return
        for node in self._cluster.worker_nodes:
            if node.all_processes["raylet"][0].process.pid in ancestors(worker):
                self.lost_machine = True
                self._cluster.remove_node(node, allow_graceful=False)
                return


def ancestors(pid: int) -> list[int]:
    """The process that started a process, the one that started that, and so on."""
    found = []
    while pid > 1:
        listed = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True)
        pid = int(listed.stdout or 0)
        found.append(pid)
    return found


@pytest.mark.long
def test_a_machine_that_dies_in_the_middle_changes_nothing(cluster, plan, tmp_path, request):
    from tflottery.runs.ray_cluster import RayCluster

    root = tmp_path / "runs"
    threads = os.environ.get("TF_NUM_INTRAOP_THREADS")
    disaster = Disaster(cluster, root)
    realise = Realiser(Store(root), plan, disaster)
    execute = RayCluster(Resources("ray", threads=int(threads) if threads else 1))
    found = execute(plan, realise)
    failures, expected = request.getfixturevalue("local")
    assert found == failures
    assert disaster.lost_machine and len(cluster.worker_nodes) == 1
    assert any("taken again" in reason for reason in disaster.reasons)
    assert contents(root) == expected
    assert {disaster.told["ended", key] for key in expected} == {1}


# As a user meets them


TINY = """
[data]
vocabulary_size = 50
[model]
embedding = 4
widths = [2]
filters = 3
[training]
epochs = 2
batch_size = 16
[pruning]
rate = 0.5
[study]
levels = [0.5, 0.75]
inits = ["original", "random"]
instability_points = ["0ep"]
"""


def workers_of(store: Path) -> list[int]:
    """The worker processes of a store."""
    listed = subprocess.run(["ps", "-ewwo", "pid,args"], capture_output=True, text=True, check=True)
    lines = [line for line in listed.stdout.splitlines() if str(store) in line]
    return [int(line.split()[0]) for line in lines if "tflottery.runs.worker" in line]


@pytest.mark.parametrize(
    ("end", "code"),
    [(signal.SIGINT, 130), pytest.param(signal.SIGKILL, -9, marks=pytest.mark.long)],
)
def test_a_study_that_is_ended_leaves_no_worker_and_goes_on(command, tmp_path, end, code):
    write_reviews(tmp_path / "mine.csv")
    (tmp_path / "tiny.toml").write_text(TINY)
    flags = ["--config", "tiny.toml", "--dataset", "mine.csv", "--seeds", "1", "--threads", "1"]
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
    """What a study wrote, but for the times."""
    files = (store / "studies" / "tiny").iterdir()
    return {path.name: path.read_bytes() for path in files if path.name != "timings.csv"}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--workers", "0"], "--workers takes a whole number from 1"),
        (["--threads", "two"], "--threads takes a whole number from 1"),
        (["--executor", "proceses"], "did you mean 'processes'"),
        (["--executor", "ray"], "There is no Ray cluster at auto; start one with ray start"),
        (["--executor", "ray", "--address", "127.0.0.1:1"], "no Ray cluster at 127.0.0.1:1"),
        (["--executor", "ray", "--address", "here"], "--address takes auto or host:port"),
        (["--simulate", "1,0"], "--simulate takes numbers of workers"),
        (["--simulate", "2"], "runs holds no training that tells how long"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_two(
    tmp_path, monkeypatch, capfd, flags, message
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert study.main(["--config", "study_toy", "--seeds", "1", *flags]) == 2
    errors = capfd.readouterr().err
    assert message in errors and errors.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_example_cluster_is_one_that_ray_accepts():
    ray = pytest.importorskip("ray")
    import jsonschema

    schema = Path(ray.__file__).parent / "autoscaler" / "ray-schema.json"
    cluster = yaml.safe_load((ROOT / "docs" / "cluster.yaml").read_text())
    jsonschema.validate(cluster, json.loads(schema.read_text()))
    assert cluster["head_node_type"] in cluster["available_node_types"]
    claim, kuberay = yaml.safe_load_all((ROOT / "docs" / "kuberay.yaml").read_text())
    groups = [kuberay["spec"]["headGroupSpec"], *kuberay["spec"]["workerGroupSpecs"]]
    for pod in (group["template"]["spec"] for group in groups):
        (volume,) = pod["volumes"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        assert pod["containers"][0]["volumeMounts"][0]["name"] == volume["name"]
