"""The model card of an export (Mitchell et al. 2019, arXiv 1810.03993): what the model is, how it
was made, and what it should be used for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tflottery.data import sources
from tflottery.exports.network import Network
from tflottery.exports.serving_files import curl
from tflottery.metrics import METRICS
from tflottery.report.escaping import escaped, one_line
from tflottery.tickets.ticket import Ticket
from tflottery.tickets.words import interval
from tflottery.versions import versions


def model_card(ticket: Ticket, network: Network, name: str, version: int, checked: str) -> str:
    """The model card as Markdown.

    Args:
        ticket: what was exported.
        network: what is served, which may be smaller than the ticket's network.
        name, version: the model's.
        checked: a sentence on how its scores were compared with the Python model's.
    """
    about, data = ticket.about, ticket.recipe.data
    dataset = sources.source_of(data.dataset)
    kept, total = about["remaining_weights"], about["prunable_weights"]
    rows = {
        "network": f"{ticket.recipe.model}",
        "classes": ", ".join(ticket.classes),
        "words": f"{len(ticket.vocabulary):,} known, the first {data.max_length} of a text read",
        "data": f"{data.dataset} (fingerprint {data.fingerprint or 'unknown'}), "
        f"{data.validation:.0%} of train held out for validation",
        "found by": f"{about['method']} pruning, criterion {about['criterion']}, "
        f"{about['scope']}, init {about['init']}, seed {about['seed']}",
        "verdict": escaped(ticket.sentence),
        **_judged(about),
        "pruned": f"{about['sparsity']:.1%} ({kept:,} of {total:,} prunable weights left); "
        f"{about['sparsity_without_embedding']:.1%} outside the embedding",
        "stored": f"{network.numbers:,} weights and biases",
        "test accuracy": _accuracies(about, "test"),
        "validation accuracy": _accuracies(about, "validation"),
        "checked": checked,
        "run": about["run_key"],
        "versions": ", ".join(f"{package} {number}" for package, number in versions().items()),
    }
    table = "\n".join(f"| {key} | {value} |" for key, value in rows.items())
    score = (
        f"the probability of `{ticket.classes[1]}`"
        if len(ticket.classes) == 2
        else "the probability of each class"
    )
    caution = f"\n{dataset.caution}\n" if dataset.caution else ""
    return f"""# {name}, version {version}

A text classifier: a {ticket.recipe.model.name} with most of its weights pruned away, trained on \
{data.dataset} and exported by tflottery.
{caution}
| | |
|---|---|
{table}

{_measured(about)}## Asking it

`serving_default` takes `text` (string, UTF-8) and gives `score`, {score}, and `label`, the
likeliest class. `ids` takes word numbers (int32 [batch, {data.max_length}], 0 after the end),
`classify` serialised tf.Example with the feature `text`. Any bytes are accepted; a text without
words is scored as one unknown word.

```
{curl(name)}
```

## Intended use

Texts like those it was trained on, where a mistake costs little. It was measured on the test split
of that data and on nothing else: other subjects, lengths and languages give a score too, and it
means nothing there. Words outside the vocabulary are all one to it. The score is not calibrated.
Texts of people hold their prejudices, and so may the model; nothing was done against that.
"""


def _measured(about: Mapping[str, Any]) -> str:
    """The metrics of the ticket beside those of dense and reinit, and the ticket's classes one by
    one; empty for tickets of before they were written down."""
    measured = about.get("metrics")
    if not measured:
        return ""
    columns = [
        ("ticket", "validation"),
        *((name, "test") for name in ("ticket", "dense", "reinit")),
    ]
    values = [measured[name][split] for name, split in columns]
    rows = [
        f"| {_titled(name)} | {' | '.join(_number(of[name]) for of in values)} |"
        for name in values[0]
        if name != "per_class"
    ]
    classes = [
        f"| {escaped(one['class'])} | {_number(one['precision'])} | {_number(one['recall'])} | "
        f"{_number(one['f1'])} | {one['texts']:,} |"
        for one in measured["ticket"]["test"]["per_class"]
    ]
    return "\n".join(
        [
            "## What it is worth\n",
            "| | this, validation | this, test | dense, test | random reinitialisation, test |",
            "|---|---:|---:|---:|---:|",
            *rows,
            "\nThe calibration error is over 15 bins of equal width; – is undefined. On test data, "
            "class by class:\n",
            "| class | precision | recall | F1 | texts |",
            "|---|---:|---:|---:|---:|",
            *classes,
            "\n",
        ]
    )


def _titled(name: str) -> str:
    """A metric's name, with its direction where that is the other one."""
    metric = METRICS.get(name)
    is_lower = metric is not None and not metric.higher_is_better
    return name.replace("_", " ") + (" (lower is better)" if is_lower else "")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _judged(about: Mapping[str, Any]) -> dict[str, str]:
    """What the verdict rests on; nothing for tickets of before."""
    if "intervals" not in about:
        return {}
    texts, baseline = about["texts"], about["baseline"]
    rows = {
        "judged on": ", ".join(
            f"{texts[split]['judged']:,} {split} texts ({texts[split]['left_out']:,} left out)"
            for split in ("validation", "test")
        )
        + f"; seeds {', '.join(map(str, about['seeds']))}",
        "95 % intervals": "; ".join(
            f"{one['comparison']} ({one['split']}) {interval(one)} points"
            for one in about["intervals"]
        ),
    }
    alone = baseline["test"]
    if alone is not None and baseline["metric"] == "accuracy":
        rows["larger class alone"] = f"{one_line(baseline['class'])}, test {100 * alone:.2f} %"
    if about["cautions"]:
        rows["cautions"] = " ".join(about["cautions"])
    return {name: escaped(row) for name, row in rows.items()}


def _accuracies(about: dict[str, object], split: str) -> str:
    shown = {"ticket": "this", "dense": "dense", "reinit": "random reinitialisation"}
    return ", ".join(
        f"{label} {100 * float(str(about[key])):.2f} %"
        for which, label in shown.items()
        if (key := f"{which}_{split}_accuracy") in about
    )
