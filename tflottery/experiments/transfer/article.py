"""The article of a transfer: its numbers, for ``article.md.j2`` to say."""

from __future__ import annotations

from tflottery.experiments import names
from tflottery.experiments.transfer import figures, tables
from tflottery.experiments.transfer.answers import said
from tflottery.experiments.transfer.results import TransferTables
from tflottery.report.article import Article


def transfer_article(transfer: TransferTables) -> Article:
    """All that the report says of a transfer."""
    about = transfer.about
    return Article(
        template="experiments/transfer/article.md.j2",
        context={
            "names": names,
            "transfer": transfer,
            "figures": {
                "accuracy": figures.accuracy(transfer),
                "difference": figures.against_own_ticket(transfer),
                "overlap": figures.overlap(transfer),
            },
            "tables": {"arms": tables.arms(transfer), "words": tables.words(transfer)},
        },
        name=about["name"],
        folder=transfer.folder,
        files=transfer.files,
        command=about["command"],
        config=about["config"],
        versions=about["versions"],
        tolerance=about["tolerance"],
        answers=said(transfer),
    )
