"""Tickets that somebody has changed and sealed again: one line, nothing read from elsewhere."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

import tflottery
from tests.conftest import SMALL, is_prunable
from tflottery.data.settings import DataSettings
from tflottery.data.words.vocabulary import Vocabulary
from tflottery.errors import DamagedFileError, UserError
from tflottery.files import read_arrays, read_sealed, seal, sha256_of_file
from tflottery.runs.recipes import Recipe
from tflottery.tickets.folder import write_ticket
from tflottery.tickets.ticket import Ticket, load_ticket
from tflottery.training.settings import TrainingSettings

SHAPES = {"embedding/embeddings": (6, 8), "head/kernel": (12, 1)}


@pytest.fixture
def ticket(tmp_path) -> Ticket:
    recipe = Recipe(DataSettings("mine.csv"), SMALL["cnn"], TrainingSettings())
    weights = {name: np.ones(shape, np.float32) for name, shape in SHAPES.items()}
    masks = {name: np.ones(shape, bool) for name, shape in SHAPES.items() if is_prunable(name)}
    words = Vocabulary(("[PAD]", "[UNK]", "a", "b", "c", "d"))
    about = {
        "verdict": "winning ticket", "run_key": "k", "dataset": "mine", "model": "cnn", "seed": 1,
    }  # fmt: skip
    folder = tmp_path / "tickets" / "t"
    parts = (words, masks, weights, weights)
    return load_ticket(write_ticket(folder, about, recipe, ("neg", "pos"), *parts))


def resealed(ticket: Ticket, **changes: object) -> Path:
    path = ticket.folder / "ticket.json"
    about = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    path.write_text(seal({key: about[key] for key in about if key != "sha256"}), encoding="utf-8")
    return ticket.folder


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"files": {"../../secret": "0" * 64}}, "no ticket has a file '../../secret'"),
        ({"files": {"/etc/hostname": "0" * 64}}, "no ticket has a file"),
        ({"files": ["masks.npz"]}, "files is not"),
        ({"files": {"masks.npz": 3}}, "files is not"),
        ({"classes": "neg"}, "classes is not"),
        ({"classes": ["neg"]}, "classes is not"),
        ({"classes": [["neg"], {}]}, "classes is not"),
        ({"prunable": {"head/kernel": [-1, 4]}}, "prunable is not"),
        ({"prunable": [3]}, "prunable is not"),
        ({"recipe": None}, "recipe is not"),
        ({"sparsity": 17}, "sparsity is not"),
        ({"sparsity": "much"}, "sparsity is not"),
        ({"verdict": None}, "verdict is not"),
        ({"seed": "1"}, "seed is not"),
        ({"seed": True}, "seed is not"),
        ({"run_key": None}, "run_key is not"),
        ({"dataset": 3}, "dataset is not"),
        ({"model": []}, "model is not"),
    ],
)
def test_what_a_ticket_says_is_checked(ticket, changes, message):
    with pytest.raises(DamagedFileError, match=message):
        tflottery.load_ticket(resealed(ticket, **changes))


def test_a_file_elsewhere_is_not_read_through_a_link(ticket, tmp_path):
    secret = tmp_path / "secret"
    (ticket.folder / "vocabulary.txt").rename(secret)
    (ticket.folder / "vocabulary.txt").symlink_to(secret)
    with pytest.raises(DamagedFileError, match="no regular file"):
        tflottery.load_ticket(ticket.folder)


@pytest.mark.parametrize("name", ["vocabulary.txt", "ticket.json"])
def test_a_pipe_is_not_waited_for(ticket, name):
    (ticket.folder / name).unlink()
    os.mkfifo(ticket.folder / name)
    with pytest.raises(UserError, match=r"no (regular )?file"):
        tflottery.load_ticket(ticket.folder)


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(ticket, odd):
    weights = dict(ticket.rewind_weights)
    weights["head/kernel"] = np.full((12, 1), odd, np.float32)
    assert refused(ticket, weights) == "head/kernel holds what is no number."


def test_weights_that_do_not_fit_the_masks_are_refused(ticket):
    weights = {**ticket.rewind_weights, "head/kernel": np.ones((2, 2), np.float32)}
    assert refused(ticket, weights) == "no weights fit its mask head/kernel."


def refused(ticket: Ticket, weights: dict[str, np.ndarray]) -> str:
    path = ticket.folder / "rewind.npz"
    np.savez(path, **weights)
    files = {**ticket.about["files"], "rewind.npz": sha256_of_file(path)}
    changed = tflottery.load_ticket(resealed(ticket, files=files))
    with pytest.raises(DamagedFileError) as error:
        _ = changed.rewind_weights
    return str(error.value).partition("damaged: ")[2]


def archive(path: Path, content: bytes, how: int = zipfile.ZIP_STORED) -> str:
    with zipfile.ZipFile(path, "w", how) as made:
        made.writestr("one.npy", content)
    return sha256_of_file(path)


def array(shape: tuple[int, ...], content: bytes) -> bytes:
    stream = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + content


def headed(header: bytes) -> bytes:
    """An array whose header is no more than these bytes."""
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


@pytest.mark.parametrize(
    ("content", "how"),
    [
        (array((1 << 40,), b"1234"), zipfile.ZIP_STORED),
        (array((1 << 20,), bytes(4 << 20)), zipfile.ZIP_DEFLATED),
        (array((2,), b"1234"), zipfile.ZIP_STORED),
        (array((-1,), b"1234"), zipfile.ZIP_STORED),
        (b"\x93NUMPY\x09\x09", zipfile.ZIP_STORED),
        *(
            (headed(header), zipfile.ZIP_STORED)
            for header in (
                b"{'descr': '<f4', 'shape': (1,",
                b"  {\n 'descr'\n}",
                b"-" * 9_000,
                b"[" * 9_000,
                b"",
            )
        ),
        (bytes(40), zipfile.ZIP_BZIP2),
        (b"", zipfile.ZIP_STORED),
    ],
)
def test_an_archive_takes_no_more_memory_than_bytes(tmp_path, content, how):
    path = tmp_path / "a.npz"
    with pytest.raises(DamagedFileError, match="no array archive"):
        read_arrays(path, archive(path, content, how))


def test_an_archive_of_numpy_is_read(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, a=np.float32(3), b=np.ones((0, 4)), c=np.asfortranarray(np.eye(3)))
    read = read_arrays(path, sha256_of_file(path))
    assert read["a"] == 3 and read["b"].shape == (0, 4) and read["c"].tolist() == np.eye(3).tolist()


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"sha256": "x", "format_version": 2, "sparsity": NaN}', "3", "null", ""],
)
def test_json_that_is_no_document(tmp_path, text):
    path = tmp_path / "ticket.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DamagedFileError, match="not a sealed ticket"):
        read_sealed(path, what="ticket", format_version=2)
