"""The model card of an export (Mitchell et al. 2019, arXiv 1810.03993): what the model is, how it
was made, and what it should be used for. Its words are in ``model_card.md.j2``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from tflottery.data.reading import sources
from tflottery.data.words.characters import SCRIPTS
from tflottery.data.words.wording import Wording
from tflottery.exports.label_said import label_said
from tflottery.exports.network import Network
from tflottery.exports.places import network_of
from tflottery.exports.serving_files import curl
from tflottery.metrics import METRICS
from tflottery.reasons.deciding import Deciding
from tflottery.report import environments
from tflottery.tickets.methods import METHODS
from tflottery.tickets.ticket import Ticket
from tflottery.tickets.words import interval
from tflottery.versions import versions

_TEMPLATE = "exports/model_card.md.j2"
_NETWORKS = (
    {"key": "ticket", "words": "this"},
    {"key": "dense", "words": "dense"},
    {"key": "reinit", "words": "random reinitialisation"},
)


def model_card(
    ticket: Ticket,
    network: Network,
    name: str,
    version: int,
    checked: str,
    decides: Deciding | None = None,
) -> str:
    """The model card as Markdown.

    Args:
        ticket: what was exported.
        network: what is served, which may be smaller than the ticket's network.
        name, version: the model's.
        checked: a sentence on how its scores were compared with the Python model's.
        decides: the words and n-grams that decide a class, where they were looked for.
    """
    about, data = ticket.about, ticket.recipe.data
    caution = sources.source_of(data.dataset).caution
    environment = environments.markdown().overlay()
    environment.filters = {
        **environment.filters,
        "interval": interval,
        "percentage": lambda accuracy: f"{100 * accuracy:.2f} %",
        "titled": _titled,
    }
    rendered = environment.get_template(_TEMPLATE).render(
        about=about,
        architecture=ticket.recipe.model.name,
        caution=caution,
        cautions=[line for line in about.get("cautions", []) if line != caution],
        checked=checked,
        calibration=_calibration(about),
        classes=ticket.classes,
        curl=curl(name),
        data=data,
        dataset=Path(data.dataset).name,  # without the folders of somebody's machine
        decides=decides,
        label=Markup(label_said()),
        method=METHODS[about["method"]].about,
        name=name,
        network=network_of(ticket),
        networks=_NETWORKS,
        numbers=network.numbers,
        sentence=ticket.sentence,
        version=version,
        versions=versions(),
        words={
            "known": len(ticket.vocabulary),
            "read": data.wording.in_words(data.max_length),
            "kinds": _kinds(data.wording),
        },
    )
    return f"{rendered}\n"


def _calibration(about: Mapping[str, Any]) -> float | None:
    """The calibration error on test data, where it was measured."""
    measured = about.get("metrics") or {}
    value = measured.get("ticket", {}).get("test", {}).get("calibration_error")
    return None if value is None else float(value)


def _titled(name: str) -> str:
    """A metric's name, with its direction where that is the other one."""
    metric = METRICS.get(name)
    is_lower = metric is not None and not metric.higher_is_better
    return name.replace("_", " ") + (" (lower is better)" if is_lower else "")


def _kinds(wording: Wording) -> str:
    """What is a word, where that is not what stands between spaces and punctuation."""
    kinds = {
        "words": "",
        "characters": "; each letter or number is a word",
        "auto": f"; each character of {', '.join(SCRIPTS)} is a word",
    }
    return kinds[wording.tokens] + "; emoji and emoticons are words" * wording.symbols
