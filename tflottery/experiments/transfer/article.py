"""The article of a transfer: its numbers, for ``article.md.j2`` to say."""

from __future__ import annotations

from tflottery.experiments import names
from tflottery.experiments.claims.fixed import Shares
from tflottery.experiments.transfer import figures, tables
from tflottery.experiments.transfer.answers import said
from tflottery.experiments.transfer.results import TransferTables
from tflottery.report.article import Article


def transfer_article(transfer: TransferTables, shares: Shares | None = None) -> Article:
    """All that the report says of a transfer.

    Args:
        transfer: its tables.
        shares: the contrasts of the report; by default those of these tables alone.
    """
    about = transfer.about
    own = (shares or Shares(transfers=[transfer])).of(transfer)
    return Article(
        template="experiments/transfer/article.md.j2",
        context={
            "names": names,
            "transfer": transfer,
            "judged": own.judged,
            "figures": {
                "accuracy": figures.accuracy(transfer),
                "difference": figures.against_own_ticket(transfer),
                "overlap": figures.overlap(transfer),
            },
            "tables": {
                "arms": tables.arms(transfer),
                "words": tables.words(transfer),
                **own.tables(),
            },
        },
        name=about["name"],
        folder=transfer.folder,
        files=transfer.files,
        command=about["command"],
        config=about["config"],
        versions=about["versions"],
        tolerance=about["tolerance"],
        answers=said(transfer),
        fixed=own.said(about["model"]),
    )
