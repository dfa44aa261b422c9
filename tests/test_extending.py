"""docs/extending.md and the example package: what they show is run, as a user would."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tflottery as tfl
from tests.conftest import ROOT, user_environment
from tests.registries import put_back

_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r'^@tfl\.register_(\w+)\("(\w+)"', re.MULTILINE)
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "examples" / "tflottery_example_plugin"
LONGEST = 20
SMALL = {"training.epochs": 1, "model.units": 6}


def examples() -> dict[tuple[str, str], str]:
    """The page's Python by what it registers, and under which name."""
    found = {}
    for code in _PYTHON.findall(PAGE):
        (registered,) = _NAME.findall(code)
        found[registered] = code
    return found


EXAMPLES = examples()


@pytest.fixture
def registries(tmp_path, monkeypatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFLOTTERY_PLUGINS", "none")
    with put_back():
        yield


def test_there_is_a_short_example_of_each():
    kinds = {kind for kind, _ in EXAMPLES}
    assert kinds == {"architecture", "criterion", "metric", "source"}
    for registered, code in EXAMPLES.items():
        assert len(code.splitlines()) < LONGEST, registered


def test_the_examples_find_a_ticket_together(registries):
    names = {}
    for (kind, name), code in EXAMPLES.items():
        Path(f"{name}.py").write_text(code, encoding="utf-8")
        names.setdefault(kind, name)
    found = tfl.find_ticket(
        names["source"], model=names["architecture"], criterion=names["criterion"],
        metric=names["metric"], config="defaults", set=SMALL, sparsity=0.3, method="one_shot",
        progress=False, plugin=[f"{name}.py" for _, name in EXAMPLES],
    )  # fmt: skip
    assert found.trained == 3 and names["metric"] in found.metrics
    about = found.ticket.about
    assert (about["model"], about["criterion"], about["dataset"]) == (
        names["architecture"], names["criterion"], names["source"],
    )  # fmt: skip
    assert 0.25 < about["sparsity"] < 0.35
    # Padding is no matter to the network of the page.
    assert not any("Padding" in line for line in (*found.remarks, *found.cautions))


def test_the_criterion_of_a_context_finds_a_ticket(registries):
    (code,) = (code for code in EXAMPLES.values() if "(context)" in code)
    Path("mine.py").write_text(code, encoding="utf-8")
    found = tfl.find_ticket(
        "toy", criterion="useful", plugin="mine.py", config="defaults", sparsity=0.3,
        set={"training.epochs": 1, "model.filters": 4, "model.embedding": 6},
        method="one_shot", progress=False,
    )  # fmt: skip
    assert found.ticket.about["criterion"] == "useful"
    assert 0.25 < found.ticket.about["sparsity"] < 0.35
    assert code.count("\n", code.index("@tfl")) <= 10


def test_the_class_of_the_page_is_a_source(registries):
    (code,) = (code for code in EXAMPLES.values() if "\nclass " in code)
    Path("mine.py").write_text(code, encoding="utf-8")
    seen = tfl.inspect("logs", plugin="mine.py")
    assert seen.classes["class"].tolist() == ["fault", "fine"]
    assert seen.splits["texts"].sum() == 120


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder that the example package is installed into."""
    folder = tmp_path_factory.mktemp("installed")
    # A copy: a build leaves files behind.
    source = tmp_path_factory.mktemp("source") / "package"
    subprocess.run(["cp", "-r", str(PACKAGE), str(source)], check=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
         "--disable-pip-version-check", "--target", str(folder), str(source)],
        check=True,
    )  # fmt: skip
    return folder


def ran(folder: Path, installed: Path, *words: str, **more: str) -> subprocess.CompletedProcess:
    environment = {**user_environment(), "PYTHONPATH": f"{ROOT}:{installed}", **more}
    return subprocess.run(
        [sys.executable, "-m", "tflottery", *words], cwd=folder, env=environment,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.long
def test_the_package_is_used_where_it_is_installed(installed, tmp_path):
    done = ran(
        tmp_path, installed, "find_ticket", "--dataset", "example_mails", "--model", "example_bag",
        "--criterion", "example_spread", "--metric", "example_precision", "--sparsity", "0.3",
        "--method", "one_shot", "--config", "defaults", "--set", "training.epochs=1",
        "--set", "model.units=6", "--workers", "1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and "example\nprecision" not in done.stderr
    (ticket,) = (tmp_path / "tickets").iterdir()
    assert ticket.name.startswith("example_mails-example_bag-one_shot-")


def test_without_installed_plugins_its_names_are_unknown(installed, tmp_path):
    words = ("inspect", "--dataset", "example_mails", "--model", "example_bag")
    assert ran(tmp_path, installed, *words).returncode == 0
    done = ran(tmp_path, installed, *words, TFLOTTERY_PLUGINS="none")
    assert done.returncode == 2 and "example_bag" in done.stderr
