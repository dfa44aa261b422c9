"""What an installation brings: every file of the package, configurations, commands, elsewhere."""

from __future__ import annotations

import ast
import configparser
import functools
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import ROOT, user_environment
from tests.test_rooms import MODULES, _reached
from tflottery import toml
from tflottery.errors import UserError
from tflottery.experiments import configuration

PACKAGE = ROOT / "tflottery"


def declared() -> configparser.ConfigParser:
    found = configparser.ConfigParser()
    found.read(ROOT / "setup.cfg", encoding="utf-8")
    return found


def test_every_file_of_the_package_goes_into_its_wheel():
    brought: set[Path] = set()
    for package, patterns in declared()["options.package_data"].items():
        folder = ROOT.joinpath(*package.split("."))
        for pattern in patterns.replace(",", " ").split():
            found = set(folder.glob(pattern))
            assert found, f"{package}: {pattern} is no file"
            brought |= found
    linked = [PACKAGE / "configs" / path.relative_to(ROOT / "configs")
              for path in (ROOT / "configs").rglob("*")]  # fmt: skip
    files = {path for path in [*PACKAGE.rglob("*"), *linked] if path.is_file()}
    code = {path for path in files if path.suffix in (".py", ".pyc")}
    assert files - code - brought == set()


def test_the_package_reads_the_one_folder_of_configurations():
    assert toml.folder() == ROOT / "configs"
    assert not (ROOT / "configs").is_symlink()


def test_a_package_without_its_configurations_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(toml.resources, "files", lambda package: tmp_path)
    for path in ("", "toy"):
        with pytest.raises(UserError, match=r"configurations of tflottery are missing.*again"):
            configuration.load(path, {"data.dataset": "toy"})


def test_extras_are_documented():
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    for extra in declared()["options.extras_require"]:
        assert f"`{extra}`" in page, extra


# The libraries of each extra that a person may want; every other library comes along by itself.
OPTIONAL = {
    "datasets": {"datasets"},
    "excel": {"openpyxl"},
    "formats": {"ai_edge_litert", "onnx", "onnxruntime", "safetensors"},
    "ray": {"ray"},
    "serving": {"tensorflow_serving"},
    "vectors": {"gensim"},
}
# Imported only where it runs already: in a notebook.
AROUND = {"IPython"}


@functools.cache
def imported() -> dict[str, set[str]]:
    """The modules outside of the package and of Python that code imports, at any time, under the
    name of their first part."""
    found: dict[str, set[str]] = {}
    for tree in MODULES.values():
        for node in _reached(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                found.setdefault(name.partition(".")[0], set()).add(name)
    return {
        first: names for first, names in found.items()
        if first not in sys.stdlib_module_names and first != "tflottery"
    }  # fmt: skip


@functools.cache
def distributions() -> Mapping[str, list[str]]:
    """The distributions that bring each package, by the package's name."""
    return importlib.metadata.packages_distributions()


def same_name(distribution: str) -> str:
    """A distribution's name as pip compares it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def brings(first: str, names: set[str]) -> set[str]:
    """The distributions that modules come from. Several share a folder such as ``google``: those
    that have a file of one of the modules."""
    found = {same_name(one) for one in distributions().get(first, [first])}
    if len(found) == 1:
        return found
    files = {f"{name.replace('.', '/')}{end}" for name in names for end in (".py", "/__init__.py")}
    return {
        one for one in found
        if files & {str(path) for path in importlib.metadata.files(one) or ()}
    }  # fmt: skip


def required(listed: str) -> set[str]:
    lines = [line for line in listed.splitlines() if line and not line.startswith("#")]
    return {same_name(re.split(r"[ \[<>=!~;]", line)[0]) for line in lines}


# What is imported is the same on every Python, and 3.10 tells of less which library brings it.
@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 finds too few distributions")
def test_a_library_that_the_code_imports_is_required():
    core = set(imported()) - set().union(*OPTIONAL.values()) - AROUND
    needed = set().union(*(brings(first, imported()[first]) for first in core))
    assert len(needed) > 15
    assert needed - required(declared()["options"]["install_requires"]) == set()


@pytest.mark.parametrize("extra", OPTIONAL)
def test_an_extra_brings_what_is_imported_for_it(extra):
    modules = OPTIONAL[extra]
    assert modules <= set(imported())
    if not modules <= set(distributions()):
        pytest.skip(f"tflottery[{extra}] is not installed")
    needed = set().union(*(brings(first, imported()[first]) for first in modules))
    assert needed == required(declared()["options.extras_require"][extra])


def test_every_quick_test_exists():
    pytest.importorskip("nox")
    code = "import json, noxfile; print(json.dumps(noxfile.QUICK + noxfile.LIBRARIES))"
    quick = json.loads(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True))
    assert len(quick) > 20
    for one in quick:
        path, _, name = one.partition("::")
        code = (ROOT / path).read_text(encoding="utf-8")
        assert f"def {name.partition('[')[0]}(" in code if name else code, one


def test_a_row_of_what_was_tested_takes_the_place_of_the_one_before(monkeypatch, tmp_path):
    spec = importlib.util.spec_from_file_location("compatibility", ROOT / "docs/compatibility.py")
    assert spec and spec.loader
    compatibility = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(compatibility)
    page = tmp_path / "page.md"
    before = compatibility.PAGE.read_text(encoding="utf-8")
    page.write_text(before, encoding="utf-8")
    monkeypatch.setattr(compatibility, "PAGE", page)
    results = tmp_path / "results.xml"
    results.write_text(
        '<testsuites><testsuite tests="9" failures="1" errors="1" skipped="2"/></testsuites>',
        encoding="utf-8",
    )
    for python in ("3.10.1", "3.13.0", "3.10.9"):
        versions = {**dict.fromkeys(compatibility._SHOWN, "1"), "python": python}
        compatibility.write(compatibility.row(compatibility.NEWEST, versions, results))
    text = page.read_text(encoding="utf-8")
    assert "| 3.10.1 |" not in text and text.index("| 3.10.9 |") < text.index("| 3.13.0 |")
    assert text.count("5 passed, 2 failed, 2 skipped") == 2
    assert text.partition("## How")[1:] == before.partition("## How")[1:] != ("", "")


def _pip(*words: object, cwd: Path = ROOT) -> None:
    # What is on PYTHONPATH counts as installed; the wheel must not be taken for it.
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-m", "pip", *map(str, words), "--quiet", "--no-deps"],
        cwd=cwd, env=clean, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("configs", "tflottery"):
        skipped = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=skipped)
    _pip("wheel", "--no-build-isolation", "-w", folder, source)
    (made,) = folder.glob("tflottery-*.whl")
    return made


@pytest.fixture(params=["environment", "target"])
def installed(request, wheel, tmp_path) -> tuple[list[str], dict[str, str]]:
    """What calls an installation that sees the libraries here and nothing of this checkout."""
    environment = user_environment()
    del environment["PYTHONPATH"]
    folder = tmp_path / "installed"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    purelib = "import sysconfig; print(sysconfig.get_path('purelib'))"
    place = Path(subprocess.check_output([python, "-c", purelib], text=True).strip())
    # A line of a .pth is a folder more to import from; what .pth files lie in that is not read.
    (place / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    if request.param == "environment":
        _pip("--python", python, "install", "--ignore-installed", wheel)
        return [str(folder / "bin" / "tflottery")], environment
    target = tmp_path / "target"
    _pip("install", "--target", target, wheel)
    return [str(python), "-m", "tflottery"], {**environment, "PYTHONPATH": str(target)}


def test_distutils_is_there_where_no_pth_file_is_read():
    # As in a folder of PYTHONPATH; -S reads none anywhere.
    code = (
        f"import sys; sys.path[:0] = [{str(ROOT)!r}, {sysconfig.get_path('purelib')!r}]\n"
        "from tflottery import startup; startup.provide_distutils(); import distutils.version"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-W", "ignore", "-c", code], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture
def run(tmp_path):
    """Runs an installation's command in a folder of its own; gives its errors and exit code."""
    (tmp_path / "work").mkdir()

    def called(*words: object, environment: dict[str, str]) -> tuple[str, int]:
        done = subprocess.run(
            [*map(str, words)], cwd=tmp_path / "work", env=environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        return done.stderr, done.returncode

    return called


FIND = "find_ticket --dataset toy --set training.epochs=1 --method one_shot --sparsity 0.3".split()


def found_ticket(work: Path) -> Path:
    """The folder of the one ticket; its settings are those that come along for toy reviews."""
    (ticket,) = (work / "tickets").glob("*/ticket.json")
    recipe = json.loads(ticket.read_text(encoding="utf-8"))["recipe"]
    toy = configuration.load("toy", {})
    assert recipe["model"]["filters"] == toy.model.filters
    assert recipe["training"]["batch_size"] == toy.training.batch_size
    return ticket.parent


@pytest.mark.long
def test_an_installed_wheel_finds_a_ticket_from_any_folder(installed, run, tmp_path):
    called, environment = installed
    assert run(*called, *FIND, environment=environment) == ("", 0)
    ticket = found_ticket(tmp_path / "work")
    assert run(*called, "export", "--ticket", ticket, environment=environment) == ("", 0)
    assert list(tmp_path.glob("work/saved_models/*/1/saved_model.pb"))


# What a module lacks that is imported by itself.
LACKING = """
import importlib, json, pkgutil, tflottery
lacking = set()
for one in pkgutil.walk_packages(tflottery.__path__, "tflottery."):
    if not one.name.endswith("__main__"):
        try:
            importlib.import_module(one.name)
        except ModuleNotFoundError as error:
            lacking.add(error.name.partition(".")[0])
print(json.dumps(sorted(lacking)))
"""


@pytest.mark.long
def test_a_wheel_brings_the_libraries_it_needs_into_an_empty_environment(wheel, run, tmp_path):
    uv = shutil.which("uv") or shutil.which("uv", path=sysconfig.get_path("scripts"))
    if uv is None:
        pytest.skip("uv is not installed; it comes with tflottery[dev]")
    environment = user_environment()
    del environment["PYTHONPATH"]
    bare, folder = dict(environment), tmp_path / "empty"
    bare.pop("VIRTUAL_ENV", None)
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder], check=True, env=bare)
    python = folder / "bin" / "python"
    install = [uv, "pip", "install", "-q", "--python", python]
    try:
        subprocess.run([*install, wheel], check=True, env=bare)
        assert run(folder / "bin" / "tflottery", *FIND, environment=environment) == ("", 0)
        ticket = found_ticket(tmp_path / "work")
        found = subprocess.check_output([python, "-c", LACKING], env=environment, text=True)
        assert set(json.loads(found)) <= set().union(*OPTIONAL.values())
        export = [folder / "bin" / "tflottery", "export", "--ticket", ticket]
        said, code = run(*export, environment=environment)
        assert (code, len(said.splitlines())) == (2, 1) and "'tflottery[serving]'" in said
        subprocess.run([*install, f"{wheel}[serving]"], check=True, env=bare)
        assert run(*export, environment=environment) == ("", 0)
        assert list(tmp_path.glob("work/saved_models/*/1/saved_model.pb"))
    finally:
        shutil.rmtree(folder)  # some GB
