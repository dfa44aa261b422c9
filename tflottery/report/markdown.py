"""``report.md``: the report for a README."""

from __future__ import annotations

from collections.abc import Sequence

from tflottery.report.page import GUIDE, LEAD, TITLE, StudyReport


def markdown(reports: Sequence[StudyReport]) -> str:
    """The page's words, short tables and figures; long tables are links to their CSV."""
    lines = [f"# {TITLE}", "", LEAD, ""]
    lines += [f"**{word}.** {said}" + "\n" for word, said in GUIDE.items()]
    for report in reports:
        lines += _study(report)
    return "\n".join(lines).rstrip() + "\n"


def _study(report: StudyReport) -> list[str]:
    study = report.study
    lines = [f"## {report.title} (`{study.name}`)", ""]
    lines += [f"> {text}\n" for text in (study.note, study.caution) if text]
    lines += ["```", study.command, "```", ""]
    lines += [f"{text}\n" for text in report.opening]
    lines += ["### What held, what did not", ""]
    for finding in report.findings:
        lines += [f"- **{finding.claim}** ({finding.question}) *{finding.outcome}.*"]
        lines += [f"  - {one.words}" for one in finding.effects]
        lines += [f"  - {text}" for text in finding.remarks]
    lines.append("")
    for chapter in report.chapters:
        lines += [f"### {chapter.title}", ""]
        lines += [f"{text}\n" for text in chapter.text]
        for drawing in chapter.figures:
            lines += [f"![{panel.name}](figures/{panel.name}.svg)" for panel in drawing.panels]
            lines += ["", f"*{drawing.caption}*", ""]
        for table in chapter.tables:
            lines += [table.markdown(), "", f"*{table.caption}*", ""]
        for table in [*chapter.tables, *chapter.folded]:
            path = f"tables/{study.slug}-{table.name}.csv"
            lines += [f"[{path}]({path}): {table.caption}", ""]
    lines += ["### Every run", ""]
    lines += [f"- [data/{study.slug}/{name}](data/{study.slug}/{name})" for name in study.files]
    return [*lines, ""]
