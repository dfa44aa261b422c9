"""Ray: a real cluster of two machines, each a group of processes here; and the example cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.workers import Tally, contents, done_by_local, holder, make_plan, make_recipe
from tflottery.data.settings import DataSettings
from tflottery.runs.realise import Realiser
from tflottery.runs.resources import Resources
from tflottery.runs.specs import RunSpec
from tflottery.runs.store import Store


@pytest.fixture(scope="module")
def plan(small_settings: DataSettings) -> list[RunSpec]:
    return make_plan(make_recipe(small_settings))


@pytest.fixture(scope="module")
def local(plan: list[RunSpec], tmp_path_factory: pytest.TempPathFactory):
    return done_by_local(plan, tmp_path_factory.mktemp("local") / "runs")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A head that takes no work, and two machines of one core."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    # A busy machine may answer late, so only a refused connection shows that a machine is lost.
    monkeypatch.setenv("RAY_health_check_timeout_ms", "60000")
    started = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    try:
        for _ in range(2):
            started.add_node(num_cpus=1, wait=False)
        started.wait_for_nodes(timeout=180)
        ray.init(started.address, log_to_driver=False, logging_level="error")
        yield started
    finally:
        ray.shutdown()
        started.shutdown()


class Disaster(Tally):
    """A tally that kills the machine on which the first training runs."""

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
                os.kill(worker, signal.SIGKILL)  # it would outlive its machine's daemon for a while
                self._cluster.remove_node(node, allow_graceful=False)
                return


def ancestors(pid: int) -> list[int]:
    """The parent of a process, its parent, and so on."""
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
    assert {disaster.events["ended", key] for key in expected} == {1}


@pytest.mark.parametrize(
    ("gpus", "workers", "share"),
    [(0, 3, 0.0), (4, 2, 1.0), (4, 4, 1.0), (4, 6, 1 / 2), (2, 7, 1 / 4)],
)
def test_every_worker_fits_a_gpu(gpus, workers, share):
    pytest.importorskip("ray")
    from tflottery.runs.ray_cluster import gpu_share

    assert gpu_share(gpus, workers) == share
    assert not gpus or gpus * int(1 / share) >= workers


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
