"""The article of a search: its numbers, for ``article.md.j2`` to say."""

from __future__ import annotations

from tflottery.experiments import names
from tflottery.experiments.claims.fixed import Shares
from tflottery.experiments.learning_rate import figures, tables
from tflottery.experiments.learning_rate.answers import said
from tflottery.experiments.learning_rate.arms import DENSE
from tflottery.experiments.learning_rate.results import TuningTables
from tflottery.report.article import Article


def tuning_article(tuning: TuningTables, shares: Shares | None = None) -> Article:
    """All that the report says of a search.

    Args:
        tuning: its tables.
        shares: the contrasts of the report; by default those of these tables alone.
    """
    about = tuning.about
    own = (shares or Shares(tunings=[tuning])).of(tuning)
    return Article(
        template="experiments/learning_rate/article.md.j2",
        context={
            "names": names,
            "tuning": tuning,
            "judged": own.judged,
            "dense": next(iter(tuning.of(DENSE)), None),
            "points_shown": figures.POINTS_SHOWN,
            "figures": {
                "rates": figures.against_rate(tuning) if tuning.has_curves else None,
                "best": figures.against_sparsity(tuning),
            },
            "tables": {
                "rates": tables.every_rate(tuning),
                "networks": tables.networks(tuning),
                **own.tables(),
            },
        },
        name=about["name"],
        folder=tuning.folder,
        files=tuning.files,
        command=about["command"],
        config=about["config"],
        versions=about["versions"],
        tolerance=about["tolerance"],
        answers=said(tuning),
        fixed=own.said(about["model"]),
    )
