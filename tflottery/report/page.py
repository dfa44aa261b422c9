"""``index.html``: one file that needs no network, no server and no script."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from typing import Any

from tflottery.report import findings, names
from tflottery.report.cells import Results
from tflottery.report.chapters import Chapter
from tflottery.report.drawing import Drawing
from tflottery.report.findings import Finding, count_of
from tflottery.report.reading import Study
from tflottery.report.table import Table, number
from tflottery.report.whiskers import whiskers

_UNBROKEN = re.compile(r"(?<=[0-9]) (?=%|ep\b|it\b|points)|(?<=[±=]) (?=[0-9])|(?<=\bn) (?==)")
GENERATOR = '<meta name="generator" content="tflottery report">'
TITLE = "Lottery tickets in text classifiers"
_CLASSES = {
    findings.HELD: "held", findings.IN_PART: "held", findings.FAILED: "failed",
    findings.UNSURE: "unsure", findings.MISSING: "unsure",
}  # fmt: skip


@dataclass(frozen=True)
class StudyReport:
    """A study with all that is said and drawn about it."""

    results: Results
    opening: Sequence[str]
    findings: Sequence[Finding]
    chapters: Sequence[Chapter]

    @property
    def study(self) -> Study:
        return self.results.study

    @property
    def title(self) -> str:
        return f"{names.model(self.study.model)} on {names.dataset(self.study.dataset)}"


def page(reports: Sequence[StudyReport]) -> str:
    """The whole page."""
    css = (resources.files("tflottery.report") / "page.css").read_text(encoding="utf-8")
    studies = "".join(
        f'<li><a href="#{report.study.slug}">{escape(report.title)}</a> '
        f'<span class="muted">{escape(report.study.name)}</span></li>'
        for report in reports
    )
    body = "\n".join(_article(report) for report in reports)
    guide = "".join(f"<dt>{escape(word)}</dt><dd>{_say(said)}</dd>" for word, said in GUIDE.items())
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{GENERATOR}
<link rel="icon" href="data:,">
<title>{TITLE}</title>
<style>
{css}</style>
</head>
<body>
<header>
<p class="eyebrow">tflottery report</p>
<h1>{TITLE}</h1>
<p class="lead">{escape(LEAD)}</p>
<nav class="contents" aria-label="Studies"><ul>{studies}</ul></nav>
<details class="guide"><summary>How to read this</summary>
<dl>{guide}</dl>
</details>
</header>
<main>
{body}
</main>
<footer><p>Made by bin/report from the CSV files linked above; the same files give the same page.
</p></footer>
</body>
</html>
"""


LEAD = (
    "Sparse subnetworks that train as well as the dense network: what held of the founding note's "
    "claims, what did not, and how sure we can be."
)
GUIDE = {
    "Sparsity": (
        "The fraction of weights that is pruned, of all prunable weights, the embedding among "
        "them; what is left stands beside it. A column gives the sparsity outside the embedding."
    ),
    "Accuracy": (
        "Test accuracy in %. Nothing was chosen on test data: epochs, masks and settings come from "
        "validation data."
    ),
    "Intervals": (
        "95 % t intervals of the mean over seeds; n is the number of seeds. Differences are taken "
        "seed by seed before they are averaged. A point is a hundredth of the accuracy."
    ),
    "Answers": (
        "held: every interval lies on the side of the claim. held in part: some do. did not hold: "
        "none does, and some lie on the other side. cannot tell: they hold 0, so either may be "
        "true. Where held means something else, it says so. The dots are the differences, the "
        "whiskers their intervals, the grey band is the tolerance around 0."
    ),
    "Failed runs": "They stand in the tables with their reason and count in no mean.",
}


def _say(text: str) -> str:
    """Text for the page; a number stays on one line with its unit."""
    return _UNBROKEN.sub("\u00a0", escape(text))


def _article(report: StudyReport) -> str:
    study = report.study
    counter = _Counter()
    links = "".join(
        f'<li><a href="#{study.slug}-{chapter.name}">{escape(chapter.title)}</a></li>'
        for chapter in [*report.chapters, *_LAST]
    )
    remarks = "".join(
        f'<p class="remark">{_say(text)}</p>' for text in (study.note, study.caution) if text
    )
    opening = "".join(f"<p>{_say(text)}</p>" for text in report.opening)
    found = "\n".join(_finding(finding, study.tolerance) for finding in report.findings)
    body = "\n".join(_chapter(study.slug, chapter, counter) for chapter in report.chapters)
    return f"""<article id="{study.slug}" aria-labelledby="{study.slug}-title">
<p class="eyebrow">{escape(study.name)}</p>
<h2 id="{study.slug}-title">{escape(report.title)}</h2>
{_facts(report.results)}
{remarks}{opening}
<nav class="contents" aria-label="Chapters of {escape(study.name)}"><ul>{links}</ul></nav>
<section id="{study.slug}-summary"><h3>What held, what did not</h3>
<ul class="findings">
{found}
</ul></section>
{body}
{_configuration(study)}
{_files(report)}
</article>"""


_LAST = (Chapter("configuration", "Configuration"), Chapter("files", "Files"))


def _facts(results: Results) -> str:
    study = results.study
    dense = results.dense
    share = f"{number(0)(study.prunable_weights)}"
    facts = {
        "seeds": f"{len(study.seeds)}",
        "dense test accuracy": (
            "failed" if dense is None else f"{dense.mean:.2f} %"
            + ("" if dense.half is None else f" ± {dense.half:.2f}")
        ),
        "prunable weights": share,
        "of them embedding": f"{100 * study.embedding_share:.1f} %",
        "finished runs": f"{results.finished} of {len(study.cells)}",
    }  # fmt: skip
    items = "".join(
        f"<div><dt>{key}</dt><dd>{escape(value)}</dd></div>" for key, value in facts.items()
    )
    return f'<dl class="facts">{items}</dl>'


def _finding(finding: Finding, tolerance: float) -> str:
    rows = "".join(
        f'<tr><th scope="row">{_say(one.label)}</th><td>{whisker}</td>'
        f"<td>{_say(one.shown)}</td></tr>"
        for one, whisker in zip(finding.effects, whiskers(finding.effects, tolerance), strict=True)
    )
    evidence = f'<table class="effects"><tbody>{rows}</tbody></table>' if rows else ""
    evidence += "".join(f"<p>{_say(text)}</p>" for text in finding.remarks)
    return (
        f'<li><div class="outcome {_CLASSES[finding.outcome]}">{finding.outcome.capitalize()}'
        f"<span>{escape(finding.question)}</span></div>"
        f"<div><h4>{_say(finding.claim)}</h4>{evidence}</div></li>"
    )


class _Counter:
    """Numbers a study's figures."""

    def __init__(self) -> None:
        self.count = 0

    def next(self) -> int:
        self.count += 1
        return self.count


def _chapter(slug: str, chapter: Chapter, counter: _Counter) -> str:
    parts = [f"<p>{_say(text)}</p>" for text in chapter.text]
    parts += [_figure(drawing, counter.next()) for drawing in chapter.figures]
    parts += [table.html() for table in chapter.tables]
    parts += [_folded(table, chapter.unfolded) for table in chapter.folded]
    return (
        f'<section id="{slug}-{chapter.name}"><h3>{escape(chapter.title)}</h3>\n'
        + "\n".join(parts)
        + "</section>"
    )


def _figure(drawing: Drawing, place: int) -> str:
    panels = "\n".join(f"<div>{panel.svg}</div>" for panel in drawing.panels)
    return (
        f'<figure><div class="panels">{panels}</div>'
        f"<figcaption>Figure {place}. {_say(drawing.caption)}</figcaption></figure>"
    )


def _folded(table: Table, unfolded: bool) -> str:
    # Print opens it (page.css).
    count = f"{table.caption.partition(':')[0]}: all {count_of(len(table.rows), 'row')}"
    state = " open" if unfolded else ""
    return f"<details{state}><summary>{escape(count)}</summary>{table.html()}</details>"


def _configuration(study: Study) -> str:
    blocks = {**_blocks(study.config), "versions": study.versions}
    listed = "".join(
        f"<div><h4>{escape(name)}</h4><dl>"
        + "".join(
            f"<dt>{escape(str(key))}</dt><dd>{escape(_value(value))}</dd>"
            for key, value in block.items()
        )
        + "</dl></div>"
        for name, block in blocks.items()
    )
    return (
        f'<section id="{study.slug}-configuration"><h3>Configuration</h3>'
        f"<pre><code>{escape(study.command)}</code></pre>"
        f'<div class="settings">{listed}</div></section>'
    )


def _blocks(config: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Tables by name; settings outside of any table under ``study``."""
    loose = {key: value for key, value in config.items() if not isinstance(value, Mapping)}
    tables = {key: value for key, value in config.items() if isinstance(value, Mapping)}
    return {**({"study": loose} if loose else {}), **tables}


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value)
    if isinstance(value, Mapping):
        return "; ".join(f"{key} {_value(item)}" for key, item in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _files(report: StudyReport) -> str:
    links = [f"data/{report.study.slug}/{name}" for name in report.study.files]
    links += [
        f"tables/{report.study.slug}-{table.name}.csv"
        for chapter in report.chapters
        for table in [*chapter.tables, *chapter.folded]
    ]
    items = "".join(f'<li><a href="{escape(link)}">{escape(link)}</a></li>' for link in links)
    return (
        f'<section id="{report.study.slug}-files"><h3>Files</h3>'
        "<p>data/ holds every run as it was measured, tables/ the tables above as CSV.</p>"
        f'<ul class="files">{items}</ul></section>'
    )
