"""The model card of an export (Mitchell et al. 2019, arXiv 1810.03993): what the model is, how it
was made, and what it should be used for."""

from __future__ import annotations

from tflottery.data import sources
from tflottery.exports.network import Network
from tflottery.exports.serving_files import curl
from tflottery.report.escaping import escaped
from tflottery.tickets.ticket import Ticket
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
        "verdict": about["verdict"],
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
    mind = [line for line in about.get("cautions", []) if line != dataset.caution]
    cautions = "\n## Cautions\n\n" + _listed(mind) + "\n" if mind else ""
    return f"""# {name}, version {version}

A text classifier: a {ticket.recipe.model.name} with most of its weights pruned away, trained on \
{data.dataset} and exported by tflottery.
{caution}
| | |
|---|---|
{table}
{cautions}
## Asking it

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


def _listed(lines: list[str]) -> str:
    return "\n".join(f"- {escaped(line)}" for line in lines)


def _accuracies(about: dict[str, object], split: str) -> str:
    shown = {"ticket": "this", "dense": "dense", "reinit": "random reinitialisation"}
    return ", ".join(
        f"{label} {100 * float(str(about[key])):.2f} %"
        for which, label in shown.items()
        if (key := f"{which}_{split}_accuracy") in about
    )
