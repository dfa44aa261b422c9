"""How large a model is, how fast, and how much memory it takes.

Each model is timed in a process of its own. They take turns, so that other work on the machine
slows all of them alike.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tflottery import seeds
from tflottery.exports.network import Network
from tflottery.exports.saved_model import IDS
from tflottery.exports.session import Process
from tflottery.exports.verification import per_class

ROUNDS = 25
# How many times a model runs in each of its turns, by batch size.
RUNS = {1: 8, 32: 4}
_FLOAT_BITS = 32


@dataclass(frozen=True)
class Size:
    """Bytes of a model: ``raw``: its files; ``gzipped``: its files in one ``.tar.gz``;
    ``weights_gzipped``: its variables alone, gzipped (0 if they have no file of their own)."""

    raw: int
    gzipped: int
    weights_gzipped: int


@dataclass(frozen=True)
class Speed:
    """``memory``: by how many bytes, at the most, loading the model raised the process' memory.
    ``seconds``: of each run, float [runs] by batch size."""

    memory: int
    seconds: Mapping[int, np.ndarray]

    def milliseconds(self, batch: int, percentile: float) -> float:
        """A percentile of the time of a run, in milliseconds."""
        return float(1000 * np.percentile(self.seconds[batch], percentile))

    def throughput(self, batch: int) -> float:
        """Texts per second."""
        return float(batch / self.seconds[batch].mean())


def size(model: Path, beside: Mapping[str, bytes] | None = None) -> Size:
    """The size of a SavedModel's folder or of a TFLite file.

    Args:
        model: the folder or file.
        beside: more files, by name, that are counted in.
    """
    files = sorted(path for path in [model, *model.rglob("*")] if path.is_file())
    contents = {str(file.relative_to(model.parent)): file.read_bytes() for file in files}
    contents |= beside or {}
    packed = io.BytesIO()
    # With mtime 0, equal files give equal bytes.
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return Size(
        raw=sum(map(len, contents.values())),
        gzipped=len(packed.getvalue()),
        weights_gzipped=sum(
            len(gzip.compress(content, 9, mtime=0))
            for name, content in contents.items()
            if Path(name).name.startswith("variables.data")
        ),
    )


def entropy_floor(network: Network) -> int:
    """The bytes that an ideal code needs for the network, if it knows nothing of the weights'
    values (Shannon 1948).

    These are 32 bits for each weight that is not zero, and the entropy of which ones these are,
    tensor by tensor, and of which words have embedding rows. A code that knows more, as that
    exponents are alike, can be shorter.
    """
    bits = 0.0
    for weight in network.weights.values():
        alive = np.count_nonzero(weight)
        bits += _FLOAT_BITS * alive + weight.size * _entropy(alive / max(weight.size, 1))
    if network.own_rows is not None:
        bits += network.own_rows.size * _entropy(network.own_rows.mean())
    return int(np.ceil(bits / 8))


def _entropy(fraction: float) -> float:
    """The entropy, in bits, of a draw that is true with this probability."""
    shares = np.array([fraction, 1 - fraction])
    return float(-(shares[shares > 0] * np.log2(shares[shares > 0])).sum())


def speeds(
    models: Mapping[str, Mapping[int, Path]],
    ids: np.ndarray,
    *,
    runs: Mapping[int, int] = RUNS,
    rounds: int = ROUNDS,
    threads: int | None = None,
) -> dict[str, Speed]:
    """Times models, which take turns in random order.

    Args:
        models: by name, the file or folder to load for each batch size of ``runs``.
        ids: int32 [texts, max_length]; each batch takes the first texts of these.
        runs: how many times a model runs in each of its turns, by batch size.
        rounds: turns of each model that count.
        threads: of each model; None for as many as this process.

    Returns:
        the speed of each model, by name.

    Raises:
        TflotteryError: a model cannot be loaded, or fails.
    """
    random = seeds.generator("turns")
    seconds: dict[str, dict[int, list[float]]] = {
        name: {batch: [] for batch in runs} for name in models
    }
    with ExitStack() as running:
        processes = {
            file: running.enter_context(Process(file, threads))
            for files in models.values()
            for file in dict.fromkeys(files.values())
        }
        for turn in range(rounds + 1):
            for name in random.permutation(list(models)):
                for batch, repeat in runs.items():
                    process = processes[models[name][batch]]
                    taken = process.time(IDS, {IDS: ids[:batch]}, repeat)
                    if turn:  # the first turn warms up
                        seconds[name][batch] += taken
        return {
            name: Speed(
                memory=processes[files[min(runs)]].peak_memory,
                seconds={batch: np.array(taken) for batch, taken in seconds[name].items()},
            )
            for name, files in models.items()
        }


def accuracy(model: Path, ids: np.ndarray, labels: np.ndarray, batch: int) -> float:
    """The fraction of texts whose likeliest class is their label.

    Args:
        model, ids, batch: as of ``scores``.
        labels: int [texts], the numbers of the right classes.
    """
    return float((scores(model, ids, batch).argmax(axis=1) == labels).mean())


def scores(model: Path, ids: np.ndarray, batch: int) -> np.ndarray:
    """float [texts, classes]: what a model says of texts.

    Args:
        model: a SavedModel's folder or a TFLite file, which takes ``batch`` texts at a time.
        ids: int32 [texts, max_length].
        batch: the batch size.
    """
    found = []
    with Process(model) as process:
        for start in range(0, len(ids), batch):
            rows = ids[start : start + batch]
            filled = np.resize(rows, (batch, ids.shape[1]))
            found.append(per_class(process.run(IDS, {IDS: filled})["score"])[: len(rows)])
    return np.concatenate(found)
