"""The article of a study: its numbers, for ``article.md.j2`` to say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tflottery.experiments import names
from tflottery.experiments.claims.fixed import Own, Shares
from tflottery.experiments.study import (
    costs,
    criteria_figures,
    criteria_tables,
    fair_tables,
    figures,
    mask_figures,
    summary,
    tables,
)
from tflottery.experiments.study.answers import WORDS, answers, clearer
from tflottery.experiments.study.cells import Results
from tflottery.report.answers import Answer, say
from tflottery.report.article import Article

if TYPE_CHECKING:
    import pandas as pd

    from tflottery.data.look.inspection import Inspection
    from tflottery.experiments.study.results import StudyTables
    from tflottery.report.panel import Drawing


def study_articles(every: Sequence[Results], shares: Shares | None = None) -> list[Article]:
    """One for each study. What a CNN's and an LSTM's study say together stands in the LSTM's, and
    what several folders of one study say, in the first of them.

    Args:
        every: the studies of a report.
        shares: its contrasts; by default those of the studies alone.
    """
    studies = [results.study for results in every]
    shares = shares or Shares(studies)
    return [
        _article(
            results,
            clearer(results, every),
            shares.of(results.study),
            [one.texts for one in studies if one.name == results.study.name],
        )
        for results in every
    ]


def _article(
    results: Results, together: Answer | None, own: Own, texts: Sequence[pd.DataFrame | None]
) -> Article:
    study = results.study
    seen, drawn = _looked_at(study)
    found = answers(results)
    if together:
        found.append(together)
    return Article(
        template="experiments/study/article.md.j2",
        context={
            "names": names,
            "study": study,
            "results": results,
            "dense": results.dense,
            "failures": results.failures(),
            "settled": summary.settled(results),
            "spent": summary.spent(study),
            "judged": own.judged,
            "data": seen,
            "layers_init": mask_figures.layers_init(results),
            "figures": {
                "accuracy": figures.accuracy(results),
                "controls": figures.controls(results),
                "convergence": figures.convergence(results),
                "rewind": figures.rewinding(results),
                "overlap": mask_figures.overlap(results),
                "layers": mask_figures.layers(results),
                "scopes": mask_figures.scopes(results),
                "early_bird": mask_figures.early_bird(results),
                "instability": mask_figures.instability(results),
                "criteria_spent": criteria_figures.against_epochs(results),
                "criteria": criteria_figures.against_weights_left(results),
                "data": drawn,
            },
            "tables": {
                "sparsest": tables.sparsest_matches(results),
                "note": tables.beside_note(results),
                "grid": tables.every_cell(results, "grid"),
                "controls": tables.controls(results),
                "control": tables.every_cell(results, "control"),
                "rewind": tables.every_cell(results, "rewind"),
                "convergence": tables.convergence(results),
                "dense_again": fair_tables.dense_again(results),
                "lengths": fair_tables.lengths(results),
                "converged": fair_tables.converged(results),
                "criteria": criteria_tables.criteria(results),
                "criteria_checks": criteria_tables.criteria_checks(results),
                "criteria_longer": criteria_tables.criteria_longer(results),
                "cost_of_arms": costs.cost_of_arms(results),
                "cost": costs.cost(results),
                **own.tables(texts),
            },
        },
        name=study.name,
        folder=study.folder,
        files=study.files,
        command=study.command,
        config=study.config,
        versions=study.versions,
        tolerance=study.tolerance,
        answers=say(found, WORDS),
        fixed=own.said(study.model),
    )


def _looked_at(study: StudyTables) -> tuple[Inspection | None, Drawing | None]:
    """The look at the study's data and its figure, where it had one."""
    if study.inspection is None:
        return None, None
    from tflottery.data.look.inspection import Inspection
    from tflottery.data.look.picture import of_report

    return Inspection(study.inspection), of_report(study.inspection, f"{study.slug}-data")
