"""What an installation brings: every file of the package, configurations, commands, elsewhere."""

from __future__ import annotations

import configparser
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.conftest import ROOT, user_environment
from tflottery import settings
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
    assert settings.folder() == ROOT / "configs"
    assert not (ROOT / "configs").is_symlink()


def test_a_package_without_its_configurations_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(settings.resources, "files", lambda package: tmp_path)
    for path in ("", "toy"):
        with pytest.raises(UserError, match=r"configurations of tflottery are missing.*again"):
            configuration.load(path, {"data.dataset": "toy"})


def test_extras_are_documented():
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    for extra in declared()["options.extras_require"]:
        assert f"`{extra}`" in page, extra


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


@pytest.mark.long
def test_an_installed_wheel_finds_a_ticket_from_any_folder(installed, tmp_path):
    called, environment = installed
    work = tmp_path / "work"
    work.mkdir()

    def run(*words: str) -> str:
        done = subprocess.run(
            [*called, *words], cwd=work, env=environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    run("find_ticket", "--dataset", "toy", "--set", "training.epochs=1", "--method", "one_shot",
        "--sparsity", "0.3")  # fmt: skip
    (ticket,) = (work / "tickets").glob("*/ticket.json")
    recipe = json.loads(ticket.read_text(encoding="utf-8"))["recipe"]
    toy = configuration.load("toy", {})
    assert recipe["model"]["filters"] == toy.model.filters
    assert recipe["training"]["batch_size"] == toy.training.batch_size
    run("export", "--ticket", str(ticket.parent))
    assert list(work.glob("saved_models/*/1/saved_model.pb"))
