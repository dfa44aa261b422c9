"""The tables of a transfer."""

from __future__ import annotations

from tflottery import statistics
from tflottery.experiments import names
from tflottery.experiments.transfer.results import TransferTables
from tflottery.report.numbers import ACCURACY, EPOCHS, PERCENT, POINTS, number, probability, span
from tflottery.report.table import Column, Table
from tflottery.statistics import Difference


def arms(transfer: TransferTables) -> Table:
    """Each arm with its differences to dense and to the target's own ticket."""
    every = [arm for arm in transfer.arms if arm.is_dense]
    every += [arm for level in transfer.levels for arm in transfer.at(level)]
    keys = ("minus_dense", "minus_target_ticket")
    adjusted = {
        key: statistics.holm([one.p if (one := getattr(arm, key)) else None for arm in every])
        for key in keys
    }
    rows = []
    for place, arm in enumerate(every):
        row = {
            "pruned": 100 * arm.sparsity,
            "left": 100 * (1 - arm.sparsity),
            "elsewhere": 100 * arm.non_embedding,
            "mask": arm.mask,
            "weights": names.weights(arm.init) or None,
            "n": arm.accuracy.n,
            "mean": arm.accuracy.mean,
            "half": arm.accuracy.half,
            "best": arm.best_epoch,
            "to_99": arm.epochs_to_99,
            "init": arm.init,
            "level": arm.level,
            "deviation": arm.accuracy.deviation,
        }
        for key in keys:
            difference: Difference | None = getattr(arm, key)
            if difference:
                row |= {
                    key: difference.mean,
                    f"{key}_interval": span(difference),
                    f"{key}_holm": adjusted[key][place],
                    f"{key}_p": difference.p,
                    f"{key}_low": difference.low,
                    f"{key}_high": difference.high,
                }
        rows.append(row)
    columns = [
        Column("pruned", "pruned %", PERCENT),
        Column("mask", "mask", is_text=True),
        Column("weights", "weights", is_text=True),
        Column("left", "left %", PERCENT),
        Column("elsewhere", "non-emb. %", PERCENT),
        Column("n", "n"),
        Column("mean", "mean", ACCURACY, "test accuracy %"),
        Column("half", "±\u00a095\u00a0%", ACCURACY, "test accuracy %"),
    ]
    for key, group in zip(keys, ("minus dense", "minus own ticket"), strict=True):
        columns += [
            Column(key, "points", POINTS, group),
            Column(f"{key}_interval", "95 % interval", group=group),
            Column(f"{key}_holm", "p, Holm", probability, group),
        ]
    columns += [
        Column("best", "best", EPOCHS, "epochs"),
        Column("to_99", "to 99 %", EPOCHS, "epochs"),
    ]
    extra = [f"{key}_{part}" for key in keys for part in ("p", "low", "high")]
    extra += ["init", "level", "deviation"]
    return Table("arms", columns, rows, headers=3, extra=extra)


def words(transfer: TransferTables) -> Table:
    """How many of the words of source and target each vocabulary holds."""
    words = transfer.about["words"]
    both = f"{transfer.source} and {transfer.target}"
    given = both if transfer.about["vocabulary"] == "shared" else transfer.source
    rows = [
        {"text": text, "vocabulary": vocabulary, "unknown": 100 * words[key]}
        for text, vocabulary, key in (
            (transfer.source, given, "source_unknown"),
            (transfer.target, given, "target_unknown"),
            (transfer.target, transfer.target, "target_unknown_own"),
        )
    ]
    columns = [
        Column("text", "words of", is_text=True),
        Column("vocabulary", "vocabulary of", is_text=True),
        Column("unknown", "unknown %", number(2)),
    ]
    return Table("words", columns, rows, headers=2)
