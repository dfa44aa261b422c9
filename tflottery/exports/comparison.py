"""Dense, sparse, compact, structured and the files of devices side by side, measured on this
machine."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tflottery import arithmetic
from tflottery.data.encoded import Encoded
from tflottery.exports import measuring, network, saved_model
from tflottery.exports.compaction import compact
from tflottery.exports.formats import onnx_file, tflite
from tflottery.exports.formats.left_out import LeftOut
from tflottery.exports.formats.registry import FORMATS, is_installed
from tflottery.exports.measuring import RUNS, Size, Speed
from tflottery.exports.network import Network
from tflottery.exports.verification import Scorer, padded, scorer, verify, verify_ids
from tflottery.files import Arrays, scratch_folder
from tflottery.tickets.ticket import Ticket
from tflottery.versions import versions

LARGEST = max(RUNS)
_SMALLEST = min(RUNS)
# In these, pruned weights are removed and not only set to zero.
_REMOVED = ("compact", "structured")


@dataclass(frozen=True)
class Variant:
    """The measurements of one way to ship the network.

    ``sparsity``: the fraction of zeros in its kernels and embedding. ``numbers``: how many weights
    and biases it stores. ``floor``: bytes, see ``measuring.entropy_floor``. ``accuracy``: a
    fraction, on test data.
    """

    name: str
    sparsity: float
    numbers: int
    size: Size
    floor: int
    speed: Speed
    accuracy: float


@dataclass(frozen=True)
class Comparison:
    """The variants, and how they were measured. ``words``: the length of the texts that were timed.
    ``machine``: processor, cores and software. ``refused``: a line on each variant that the network
    cannot be stored as."""

    title: str
    words: int
    variants: tuple[Variant, ...]
    machine: str
    refused: tuple[str, ...] = ()


def compare(
    ticket: Ticket,
    dense: Arrays,
    structured: Ticket | None,
    test: Encoded,
    examples: np.ndarray,
) -> Comparison:
    """Writes each variant to a temporary folder, checks it and measures it.

    Args:
        ticket: for the variants ``sparse``, ``compact``, TFLite and ONNX.
        dense: the weights of ``dense``, float32 arrays by tensor.
        structured: a ticket of whole units on the same data; None leaves this variant out.
        test: the test texts.
        examples: int32 [texts, max_length], training texts that int8 is calibrated with.

    Raises:
        TflotteryError: the scores of a variant are not its Python model's.
    """
    full = network.of_weights(ticket, dense, {})
    sparse, trained = network.of_ticket(ticket), scorer(ticket.build("final"))
    networks = {"dense": (full, scorer(full.plain())), "sparse": (sparse, trained)}
    networks["compact"] = (compact(sparse), trained)
    if structured is not None:
        smaller = compact(network.of_ticket(structured))
        networks["structured"] = (smaller, scorer(structured.build("final")))
    refused = LeftOut()
    with scratch_folder() as temporary:
        models = _write(networks, ticket, test, examples, temporary, refused)
        # The files of devices are made of the compact network.
        served = {name: networks.get(name, networks["compact"])[0] for name in models}
        speeds = measuring.speeds(models, _full_texts(test, sparse.max_length))
        ids = padded(np.split(test.ids, test.offsets[1:-1]), sparse.max_length)
        return Comparison(
            title=f"{ticket.recipe.model.name} on {Path(ticket.recipe.data.dataset).name}, "
            f"{ticket.about['sparsity']:.1%} pruned",
            words=sparse.max_length,
            variants=tuple(
                Variant(
                    name=name,
                    sparsity=_sparsity(served[name]),
                    numbers=served[name].numbers,
                    size=measuring.size(files[_SMALLEST]),
                    floor=measuring.entropy_floor(served[name]),
                    speed=speeds[name],
                    accuracy=measuring.accuracy(files[LARGEST], ids, test.labels, LARGEST),
                )
                for name, files in models.items()
            ),
            machine=f"{os.cpu_count()} cores of {platform.machine()}, {arithmetic.current()}, "
            f"TensorFlow {versions()['tensorflow']}",
            refused=refused.lines,
        )


def _write(
    networks: dict[str, tuple[Network, Scorer]],
    ticket: Ticket,
    test: Encoded,
    examples: np.ndarray,
    folder: Path,
    refused: LeftOut,
) -> dict[str, dict[int, Path]]:
    """The files of each variant for each batch size; notes what cannot be stored."""
    models: dict[str, dict[int, Path]] = {}
    for name, (served, python_model) in networks.items():
        (folder / name).mkdir()
        saved_model.save(served, ticket.vocabulary, folder / name)
        texts = test if name in _REMOVED else None
        verify(folder / name, served, ticket.vocabulary, python_model, texts)
        models[name] = dict.fromkeys(RUNS, folder / name)
    small, python_model = networks["compact"]
    full = _full_texts(test, small.max_length)
    for name, quantize in tflite.NAMES.items():
        try:
            contents = {batch: tflite.convert(small, batch, quantize, examples) for batch in RUNS}
        except tflite.UnconvertibleError as error:
            refused.add(name, error)
            continue
        models[name] = {batch: folder / f"{name}-{batch}.tflite" for batch in RUNS}
        for batch, file in models[name].items():
            file.write_bytes(contents[batch])
            if not quantize:  # others change scores by design; the table shows their accuracy
                verify_ids(file, python_model, full[:batch])
    onnx = FORMATS["onnx"]
    if is_installed(onnx) and not onnx.refusal(ticket):
        file = folder / "ONNX.onnx"
        file.write_bytes(onnx_file.graph_of(small, {}).SerializeToString())
        verify_ids(file, python_model, full)
        models["ONNX"] = dict.fromkeys(RUNS, file)
    return models


def _full_texts(test: Encoded, words: int) -> np.ndarray:
    """int32 [largest batch, words]: the test texts, joined and cut into rows. The rows have no
    padding, so no variant is faster only because it skips padding."""
    return np.resize(test.ids, (LARGEST, words)).astype(np.int32)


def _sparsity(of: Network) -> float:
    kernels = [weight for weight in of.weights.values() if weight.ndim > 1]
    return 1 - sum(map(np.count_nonzero, kernels)) / sum(weight.size for weight in kernels)
