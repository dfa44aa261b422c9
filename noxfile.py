"""The quick tests on every Python that is here: ``make test-pythons``.

Each interpreter gets an environment of its own with what the bounds of setup.cfg resolve to there;
``--write`` after ``--`` writes what came out into docs/compatibility.md.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nox

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT / "docs"))
import compatibility  # noqa: E402

# Settings, keys, masks, criteria, statistics and readers, mostly without TensorFlow; masks in a
# training; one search from a command to a ticket; and what the extras are for: files of other
# formats, tables with their scores, a server, vectors of words. Some minutes on an idle machine.
# Imports that must be light (test_light.py) are the same on every Python, and take a process each.
QUICK = [
    *(
        f"tests/test_{name}.py"
        for name in (
            "api_shape", "asked_formats", "completion", "configuration", "criteria_found", "device",
            "digests", "escaping", "estimates", "formats", "masks", "metrics", "older_formats",
            "onnx_graph", "outcomes", "package", "paired", "power", "program", "rates",
            "reading_text", "score", "sources", "specs", "statistics", "text", "vectors", "verdict",
        )
    ),
    *(
        f"tests/test_masked_model.py::test_{name}]"
        for network in ("cnn", "lstm", "transformer")
        for name in (
            f"pruned_weights_are_zero_after_every_batch[{network}-adam-False",
            f"an_all_ones_mask_trains_bit_identically_to_plain_keras[{network}-False",
            f"wrapped_and_stripped_agree_bit_for_bit_and_zeros_outlive_stripping[{network}-False",
        )
    ),
    "tests/test_find_ticket.py::test_end_to_end_on_toy_reviews[cnn]",
    "tests/test_lite.py::test_a_compact_network_converts_and_keeps_its_scores[cnn]",
    "tests/test_predict.py::test_a_server_says_what_the_folder_says",
    "tests/test_explain.py::test_an_export_explains_its_own_scores",
]  # fmt: skip
# What calls the libraries whose bounds are wide: pandas, pyarrow, keras-tuner, rich, matplotlib,
# datasets, Ray.
LIBRARIES = [
    *(
        f"tests/test_{name}.py"
        for name in ("progress", "search", "tables", "tuning_report", "written_and_read")
    ),
    "tests/test_reading.py",
    "tests/test_ray_cluster.py",
]
# Longer ones, of every format's own runtime.
LONG = [
    "tests/test_formats.py::test_every_format_is_published_with_the_saved_model",
    "tests/test_formats.py::test_a_quantised_file_is_smaller_and_bounded[int8]",
]
EXTRAS = "quick,formats,serving,excel,vectors"
LOWEST = "3.11"


def supported() -> list[str]:
    """The Pythons that setup.cfg names, as ``3.11``."""
    found = configparser.ConfigParser()
    found.read(ROOT / "setup.cfg", encoding="utf-8")
    return re.findall(r"Python :: (3\.\d+)", found["metadata"]["classifiers"])


def put_on_path(versions: list[str]) -> None:
    """pyenv's interpreters before its shims, which refuse what is not switched on."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    folders = [
        str(place / "bin") for version in versions for place in sorted(root.glob(f"{version}.*"))
    ]
    os.environ["PATH"] = os.pathsep.join([*folders, os.environ.get("PATH", "")])


def is_there(version: str) -> bool:
    found = shutil.which(f"python{version}")
    return bool(found) and subprocess.run([found, "-c", ""], check=False).returncode == 0


put_on_path(supported())
FOUND = [version for version in supported() if is_there(version)]
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["quick"]
nox.options.error_on_missing_interpreters = True


@nox.session(python=FOUND)
def quick(session: nox.Session) -> None:
    """The newest that the bounds allow."""
    _test(session, compatibility.NEWEST, QUICK, EXTRAS)


@nox.session(python=LOWEST)
def lowest(session: nox.Session) -> None:
    """The oldest of each direct dependency that the bounds allow; uv finds them."""
    _test(
        session, compatibility.LOWEST, [*QUICK, *LIBRARIES], f"{EXTRAS},datasets,ray", LONG,
        options=("--resolution", "lowest-direct"),
    )  # fmt: skip


def _test(
    session: nox.Session,
    kind: str,
    tests: list[str],
    extras: str,
    long: Sequence[str] = (),
    options: Sequence[str] = (),
) -> None:
    try:
        session.install(*options, f".[{extras}]")
        folder = Path(session.create_tmp()).resolve()
        results = folder / "results.xml"
        session.run(
            "python", "-m", "pytest", "-q", "--durations=10", f"--junitxml={results}", *tests,
            # Bytecode not beside the sources; without any, each process compiles TensorFlow again.
            env={"PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""},
            success_codes=[0, 1],
        )  # fmt: skip
        if long:
            session.run("python", "-m", "pytest", "-q", "-m", "", *long)
        listed = session.run("python", "-c", compatibility.LISTING, silent=True)
        row = compatibility.row(kind, json.loads(str(listed)), results)
        session.log(row)
        if "--write" in session.posargs:
            compatibility.write(row)
        if compatibility.failures(results):
            session.error("Some tests failed.")
    finally:
        # Some GB each: one at a time.
        shutil.rmtree(session.virtualenv.location, ignore_errors=True)
