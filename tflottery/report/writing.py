"""Writes the report's folder, whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

from tflottery.errors import UserError
from tflottery.files import new_folder, require_writable
from tflottery.report import claims, summary
from tflottery.report.cells import Results
from tflottery.report.chapters import chapters
from tflottery.report.drawing import alone
from tflottery.report.markdown import markdown
from tflottery.report.page import GENERATOR, StudyReport, page
from tflottery.report.reading import load_studies


def write_report(store: Path, output: Path) -> Path:
    """Writes the report of every study in a store.

    Args:
        store: what ``bin/study`` filled, or the folder of one study.
        output: made anew; an older report in its place is replaced.

    Returns:
        The path of ``index.html``.

    Raises:
        UserError: a study cannot be read, or ``output`` holds something else than a report.
    """
    _require_place(output)
    every = [Results(study) for study in load_studies(store)]
    reports = [
        StudyReport(results, summary.opening(results), claims.findings(results), chapters(results))
        for results in every
    ]
    clearer = claims.clearer(every)
    if clearer:
        reports = [
            StudyReport(one.results, one.opening, [*one.findings, clearer], one.chapters)
            if one.study.model == "lstm"
            else one
            for one in reports
        ]
    with new_folder(output) as folder:
        for report in reports:
            _write_files(folder, report)
        (folder / "report.md").write_text(markdown(reports), encoding="utf-8")
        (folder / "index.html").write_text(page(reports), encoding="utf-8")
    return output / "index.html"


def _write_files(folder: Path, report: StudyReport) -> None:
    study = report.study
    data, figures, tables = (folder / name for name in (f"data/{study.slug}", "figures", "tables"))
    for place in (data, figures, tables):
        place.mkdir(parents=True, exist_ok=True)
    for name in study.files:
        shutil.copyfile(study.folder / name, data / name)
    for chapter in report.chapters:
        for drawing in chapter.figures:
            for panel in drawing.panels:
                (figures / f"{panel.name}.svg").write_text(alone(panel.svg), encoding="utf-8")
        for table in [*chapter.tables, *chapter.folded]:
            path = tables / f"{study.slug}-{table.name}.csv"
            path.write_text(table.csv(), encoding="utf-8")


def _require_place(output: Path) -> None:
    """A folder that is not a report is never replaced: it may be the user's home."""
    require_writable(output, "--output")
    index = output / "index.html"
    is_report = index.is_file() and GENERATOR in index.read_text("utf-8", errors="replace")[:2000]
    if output.exists() and any(output.iterdir()) and not is_report:
        raise UserError(f"{output} holds other things than a report; give --output another place.")
