"""A verdict in words: one sentence, which every place that shows a ticket shows, and cautions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tflottery.pruning.masks import Count
from tflottery.report.escaping import one_line
from tflottery.tickets.verdict import (
    CONSTANT,
    FEWEST_TEXTS,
    NO_VERDICT,
    SUBNETWORK,
    TEST,
    VALIDATION,
    WINNING,
    More,
    Verdict,
)

_OTHERS = {VALIDATION: "train", TEST: "train or validation"}
_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro-F1",
    "roc_auc": "ROC AUC",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
}


def sentence(
    verdict: Verdict, counted: Count, classes: Sequence[str], empty: Sequence[str] = ()
) -> str:
    """The verdict with what it rests on.

    Args:
        verdict: on the level that is reported.
        counted: its weights.
        classes: names by label.
        empty: its layers without a weight, where there are some.
    """
    collapse = f" Collapsed: no weight is left in {', '.join(empty)}." if empty else ""
    return f"{_sentence(verdict, counted, classes)}{collapse}"


def _sentence(verdict: Verdict, counted: Count, classes: Sequence[str]) -> str:
    head = f"{verdict.outcome.capitalize()}: "
    if verdict.outcome == NO_VERDICT:
        return head + _why_none(verdict, classes)
    times = counted.total / max(counted.remaining, 1)
    pruned = f"with {100 * counted.sparsity:.1f} % pruned ({times:.1f} times fewer weights) "
    training = verdict.terms.training
    how = f"after {training}, in which its mask moved, " if training else ""
    return head + pruned + how + _finding(verdict, classes)


def cautions(verdict: Verdict) -> tuple[str, ...]:
    """Lines to be read beside the sentence."""
    lines = [
        f"{left:,} of {left + verdict.texts[split]:,} {split} texts hold the known words of one "
        f"in {_OTHERS[split]}, or of one before them, or none; the verdict leaves them out."
        for split, left in verdict.left_out.items()
        if left
    ]
    if verdict.outcome in (WINNING, SUBNETWORK) and not verdict.reinit_learnt:
        lines.insert(
            0,
            f"The reinit is not shown to have learnt anything ({_value(verdict, 'reinit', TEST)} "
            "on test data), so that the ticket beats it says little: it may have trained too "
            "briefly, or at a rate that is wrong for it. Try more epochs or another "
            "--learning_rate.",
        )
    return tuple(lines)


def on_collapse(networks: Iterable[tuple[str, Sequence[str]]]) -> tuple[str, ...]:
    """A caution where whole layers of networks were left without a weight; none where none were.

    Args:
        networks: what each is called, and its layers and tensors without a weight.
    """
    of_layer: dict[str, list[str]] = {}
    for name, empty in networks:
        for layer in empty:
            of_layer.setdefault(layer, []).append(name)
    if not of_layer:
        return ()
    found = "; ".join(f"{layer} ({', '.join(names)})" for layer, names in of_layer.items())
    return (
        f"Collapsed: no weight is left in {found}. No text reaches the scores through such a "
        "layer, whatever the accuracy is; another --scope, or pruning.rates, spares it.",
    )


def on_alike(names: Sequence[str]) -> tuple[str, ...]:
    """A caution where networks answer alike to every text; none where none do.

    Args:
        names: what each is called.
    """
    if not names:
        return ()
    return (
        f"Alike to every text: the scores of {', '.join(names)}. Weights are left in each layer, "
        "and none of them lead from the words to the scores, or the training has come to nothing; "
        "its accuracy is that of one class alone.",
    )


def interval(row: Mapping[str, Any]) -> str:
    """``+0.42 [+0.10, +0.74]``, in points, of a row of ``Comparison.plain``."""
    if row["difference"] is None:
        return "undefined"
    if row["low"] is None:
        return f"{row['difference']:+.2f} (no interval)"
    return f"{row['difference']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]"


def _why_none(verdict: Verdict, classes: Sequence[str]) -> str:
    if verdict.reason == "few texts":
        counts = " and ".join(
            f"{verdict.texts[split]:,} of {verdict.texts[split] + verdict.left_out[split]:,} "
            f"{split} texts"
            for split in (VALIDATION, TEST)
        )
        return (
            f"{counts} hold known words that no text before them holds, and it takes "
            f"{FEWEST_TEXTS} of each; nothing is known of a ticket, or of dense."
        )
    failing = [
        split for split in (VALIDATION, TEST) if not verdict.of("dense", CONSTANT, split).above(0)
    ]
    figures = "; ".join(
        f"on {verdict.texts[split]:,} {split} texts dense {_value(verdict, 'dense', split)}, "
        f"{_constant(verdict, classes)} {_value(verdict, CONSTANT, split)}, difference "
        f"{_interval(verdict, 'dense', CONSTANT, split)} points"
        for split in failing
    )
    return (
        f"dense is not shown to beat {_constant(verdict, classes)} by a 95 % interval ({figures}), "
        "so that a ticket has nothing to match."
    )


def _finding(verdict: Verdict, classes: Sequence[str]) -> str:
    tolerance = f"by more than {verdict.terms.tolerance:g} points"
    on = f"95 % intervals over {verdict.texts[TEST]:,} test texts and {_seeds(verdict.seeds)}"
    of = "" if verdict.terms.metric == "accuracy" else f"{_metric(verdict)}, "
    dense, reinit = (f"to {one} {_interval(verdict, 'ticket', one)}" for one in ("dense", "reinit"))
    both = f"({of}{on}: {dense}, {reinit} points)"
    larger = _interval(verdict, "ticket", CONSTANT)
    gains = f"({of}{on}: {larger} points)"
    passes = f"it is not worse than dense {tolerance}"
    last = "its last mask, held from newly drawn weights on"
    of_mask = last if verdict.terms.training else "the reinit of its mask"
    told = {
        "": f"{passes}, and better than {of_mask} {both}.",
        "better than reinit": f"{passes}, and better than {of_mask} {both}.",
        "worse than reinit": f"{passes}, but worse than {of_mask} {both}.",
        "perhaps no better than reinit": (
            f"{passes}, but it is not shown to beat {of_mask} {both}."
        ),
        "worse than dense": f"it is worse than dense {tolerance} {both}.",
        "learnt nothing": f"it does not beat {_constant(verdict, classes)} {gains}.",
        "does not match on validation data": (
            f"it does not match dense on validation data "
            f"({_interval(verdict, 'ticket', 'dense', VALIDATION)} points, tolerance "
            f"{verdict.terms.tolerance:g}), and test data do not show that it is worse {both}."
        ),
        "perhaps learnt nothing": (
            f"it is not shown to beat {_constant(verdict, classes)} {gains}."
        ),
        "tolerance too wide": (
            f"it may or may not keep half of what dense gains over {_constant(verdict, classes)} "
            f"({_interval(verdict, 'dense', CONSTANT)} points), and a tolerance of "
            f"{verdict.terms.tolerance:g} points is more than that half {both}."
        ),
        "perhaps worse than dense": f"it may or may not be worse than dense {tolerance} {both}.",
    }[verdict.reason]
    return f"{told}{_more(verdict.more, verdict.seeds)}"


def _interval(verdict: Verdict, one: str, other: str, split: str = TEST) -> str:
    return interval(verdict.comparison(one, other, split).plain())


def _more(more: More | None, seeds: int) -> str:
    if more is None:
        return ""
    if more.is_near:
        return " At this difference more seeds or test texts would hardly show it."
    ways = []
    if more.seeds is not None:
        count = more.seeds - seeds
        unless = "; or more, since one does not tell how seeds differ" if seeds == 1 else ""
        ways.append(f"about {count} more seed{'s' * (count > 1)} (--seeds {more.seeds}{unless})")
    if more.texts is not None:
        ways.append(f"about {_rounded(more.texts):,} test texts in all")
    told = " or ".join(ways)
    return f" {told[0].upper()}{told[1:]} would decide, if the difference stays as it is."


def _rounded(count: int) -> int:
    """Upwards, to two digits."""
    step = 10 ** max(len(str(count)) - 2, 0)
    return -(-count // step) * step


def _seeds(count: int) -> str:
    return "one seed" if count == 1 else f"{count} seeds"


def _metric(verdict: Verdict) -> str:
    return _NAMES.get(verdict.terms.metric, verdict.terms.metric)


def _constant(verdict: Verdict, classes: Sequence[str]) -> str:
    if verdict.terms.metric == "accuracy":
        return f"the larger class alone ({one_line(classes[verdict.larger])})"
    return "scores that look at no text"


def _value(verdict: Verdict, network: str, split: str) -> str:
    value = verdict.values[split][network]
    if not math.isfinite(value):
        return f"{_metric(verdict)} undefined"
    if verdict.terms.metric == "accuracy":
        return f"{100 * value:.2f} %"
    return f"{_metric(verdict)} {value:.4f}"
