"""A page that holds the model and its runtime: a person types a text, and sees the score and the
words behind it. It asks no network for anything.

The runtime is onnxruntime-web from npm, of one version whose content is known by its checksum; npm
fetches it once, into the user's cache.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from tflottery.errors import UserError
from tflottery.exports.formats.format import Given, Loaded, about
from tflottery.exports.formats.onnx_file import Onnx, graph_of, relabelled
from tflottery.files import scratch_folder, write_atomically
from tflottery.report import environments

if TYPE_CHECKING:
    from tflottery.tickets.ticket import Ticket

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
_RUNTIME, _WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
_TEMPLATE = "exports/formats/page.html.j2"
_NORMALISER = Path(__file__).parent / "reference" / "normalise.mjs"
_CHECK = "async function check("
_LONGEST = 600
_PAYLOADS = ("about", "vocabulary", "model", "runtime", "wasm")


class WebPage(Onnx):
    """See ``Format``. The check runs the model that the page holds in ONNX Runtime."""

    name = "web"
    file = "page.html"
    purpose = "a browser, without a server or a network"
    for_devices = False

    def refusal(self, ticket: Ticket) -> str:
        if refusal := super().refusal(ticket):
            return refusal.replace("--format onnx", "--format web")
        if not _cached().is_file() and shutil.which("npm") is None:
            return f"--format web takes npm (Node.js), which fetches {PACKAGE} once."
        try:
            runtime()
        except UserError as missing:
            return str(missing)
        return ""

    def write(self, given: Given, file: Path) -> None:
        model = graph_of(given.served, about(given.ticket)).SerializeToString()
        file.write_text(page(given.ticket, model, runtime()), encoding="utf-8")

    def relabel(self, old: Path, new: Path, threshold: float) -> None:
        new.write_text(following(old.read_text(encoding="utf-8"), threshold), encoding="utf-8")

    def load(self, file: str) -> Loaded:
        with scratch_folder() as folder:
            extracted = folder / "model.onnx"
            extracted.write_bytes(payload(Path(file).read_text(encoding="utf-8"), "model"))
            return super().load(str(extracted))


def page(ticket: Ticket, model: bytes, files: Mapping[str, bytes]) -> str:
    """The page.

    Args:
        ticket: says how texts are read.
        model: an ONNX file.
        files: the runtime's, by name.
    """
    data = ticket.recipe.data
    first, last = data.wording.ends(data.max_length)
    read = {
        "rules": [{"pattern": pattern, "becomes": made} for pattern, made in data.wording.rules()],
        "max_length": data.max_length,
        "first": first,
        "last": last,
        "unknown": 1,
        "classes": list(ticket.classes),
    }
    return _rendered(
        f"{ticket.recipe.model.name} on {Path(data.dataset).name}",
        {
            "about": json.dumps(read).encode(),
            "vocabulary": ticket.vocabulary.to_text().encode(),
            "model": model,
            "runtime": files[_RUNTIME],
            "wasm": files[_WASM],
        },
    )


def following(page: str, threshold: float) -> str:
    """A page of ours, of two classes, whose label follows a threshold (``Format.relabel``)."""
    title = re.search("<title>(.*?)</title>", page)
    assert title is not None
    held = {name: payload(page, name) for name in _PAYLOADS}
    read = {**json.loads(held["about"]), "threshold": float(np.float32(threshold))}
    held |= {"about": json.dumps(read).encode(), "model": relabelled(held["model"], threshold)}
    return _rendered(html.unescape(title.group(1)), held)


def _rendered(title: str, held: Mapping[str, bytes]) -> str:
    program = _NORMALISER.read_text(encoding="utf-8").partition(_CHECK)[0]
    made = (
        environments.html()
        .get_template(_TEMPLATE)
        .render(
            title=title,
            normaliser=Markup(program.replace("export class", "class")),
            **{name: _packed(held[name]) for name in _PAYLOADS},
        )
    )
    return f"{made}\n"


def payload(page: str, name: str) -> bytes:
    """What a page holds under a name."""
    found = re.search(rf'id="{name}">([^<]*)</script>', page)
    assert found is not None
    return gzip.decompress(base64.b64decode(found.group(1)))


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode("ascii")


def runtime() -> dict[str, bytes]:
    """The files of the runtime, by name; fetched by npm where they are not in the cache.

    Raises:
        UserError: npm fails, or gives another content than is known.
    """
    kept = _cached()
    if not kept.is_file():
        write_atomically(kept, _fetched())
    content = kept.read_bytes()
    if base64.b64encode(hashlib.sha512(content).digest()).decode("ascii") != SHA512:
        raise UserError(f"{kept} is not what {PACKAGE} {VERSION} is known to be; remove it.")
    found = {}
    with tarfile.open(kept) as archive:
        for name in (_RUNTIME, _WASM):
            member = archive.extractfile(f"package/dist/{name}")
            assert member is not None
            found[name] = member.read()
    return found


def _fetched() -> bytes:
    with scratch_folder() as folder:
        try:
            done = subprocess.run(
                ["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}"],
                cwd=folder, capture_output=True, text=True, check=False, timeout=_LONGEST,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise UserError(f"npm could not fetch {PACKAGE} {VERSION} in {_LONGEST} s.") from None
        files = list(folder.glob("*.tgz"))
        if done.returncode or not files:
            said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
            raise UserError(f"npm could not fetch {PACKAGE} {VERSION}: {said}")
        return files[0].read_bytes()


def _cached() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "tflottery" / f"{PACKAGE}-{VERSION}.tgz"
