"""The results in docs/results come from the data beside them, number by number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tflottery.experiments.reports import write_report

SHOWN = sorted(path for path in (ROOT / "docs" / "results").rglob("data/*") if path.is_dir())
_NUMBER = re.compile(r"[−+]?\d+(?:[.,]\d+)*")


def _numbers(path: Path) -> list[str]:
    return _NUMBER.findall(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("data", SHOWN, ids=lambda path: path.name)
def test_the_results_that_are_shown_can_be_rendered_again(data, tmp_path):
    shown = data.parent.parent
    made = write_report(data, tmp_path / "report").parent
    tables = {path.name: path.read_bytes() for path in (made / "tables").iterdir()}
    assert tables == {path.name: path.read_bytes() for path in (shown / "tables").iterdir()}
    assert _numbers(made / "report.md") == _numbers(shown / "report.md")
    for folder in ("figures", "data"):
        names = {path.relative_to(made) for path in (made / folder).rglob("*")}
        assert names == {path.relative_to(shown) for path in (shown / folder).rglob("*")}


def test_every_folder_is_looked_at():
    assert len(SHOWN) == 9
