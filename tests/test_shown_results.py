"""The results in docs/results come from the data beside them, number by number."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tflottery.experiments.reports import write_report

SHOWN = sorted(path for path in (ROOT / "docs" / "results").rglob("data/*") if path.is_dir())
REPORTS = sorted({path.parent.parent for path in SHOWN})
# What a store calls the folder of each kind of result.
KINDS = {"study.json": "studies", "result.json": "transfers", "tuning.json": "tunings"}
_NUMBER = re.compile(r"[−+]?\d+(?:[.,]\d+)*")


def _numbers(path: Path) -> list[str]:
    return _NUMBER.findall(path.read_text(encoding="utf-8"))


def _store(shown: Path, root: Path) -> Path:
    """A store that holds what a report shows."""
    for data in (shown / "data").iterdir():
        (kind,) = [folder for name, folder in KINDS.items() if (data / name).exists()]
        shutil.copytree(data, root / kind / data.name)
    return root


@pytest.mark.parametrize("shown", REPORTS, ids=lambda path: path.name)
def test_the_results_that_are_shown_can_be_rendered_again(shown, tmp_path):
    made = write_report(_store(shown, tmp_path / "store"), tmp_path / "report").parent
    tables = {path.name: path.read_bytes() for path in (made / "tables").iterdir()}
    assert tables == {path.name: path.read_bytes() for path in (shown / "tables").iterdir()}
    assert _numbers(made / "report.md") == _numbers(shown / "report.md")
    for folder in ("figures", "data"):
        names = {path.relative_to(made) for path in (made / folder).rglob("*")}
        assert names == {path.relative_to(shown) for path in (shown / folder).rglob("*")}


def test_every_folder_is_looked_at():
    assert len(SHOWN) == 29
