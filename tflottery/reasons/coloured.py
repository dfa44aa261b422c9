"""Words in colours: green speaks for the label, red against it, the stronger the more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from tflottery.printed import visible

if TYPE_CHECKING:
    import numpy as np
    from rich.text import Text

_FOR, _AGAINST = (31, 136, 61), (207, 34, 46)
# Weaker than a tenth of the strongest word is no colour.
_FAINT = 0.1
_PARTS = """\
{% for one in explanations %}<article class="explained">
<p><strong>{{ one.label }}</strong> {{ one.score }}</p>
<p>{% for word in one.words %}<span title="{{ word.title }}"\
{% if word.colour %} style="background: {{ word.colour }}"{% endif %}\
{% if word.is_unknown %} class="unknown"{% endif %}>{{ word.word }}</span> {% endfor %}\
{% if one.unread %}<em>{{ one.unread }} more words are not read</em>{% endif %}</p>
</article>
{% endfor %}"""
HEAD = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>What each word did</title>
<style>
body { font: 16px/1.6 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
article { border-top: 1px solid #ccc; }
span { border-radius: 3px; padding: 0 2px; }
.unknown { text-decoration: underline dotted; }
</style>
<h1>What each word did</h1>
<p>Green words speak for the label, red ones against it: how much the log-odds of the label fall
without the word (point at it for the number). Underlined words are not known to the model.</p>
"""
TAIL = "</html>\n"


class Explained(Protocol):
    """What is shown of an explanation (``words.Explanation`` says what its parts are)."""

    @property
    def label(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def words(self) -> tuple[str, ...]: ...
    @property
    def known(self) -> tuple[bool, ...]: ...
    @property
    def unread(self) -> int: ...
    @property
    def for_label(self) -> np.ndarray: ...
    def strongest(self, most: int) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]: ...


def html(found: Sequence[Explained]) -> str:
    """Explaineds as a part of a page."""
    from jinja2 import Environment

    template = Environment(autoescape=True).from_string(_PARTS)
    return template.render(explanations=[_shown(one) for one in found])


def _shown(one: Explained) -> dict[str, object]:
    words = []
    strongest = max((abs(effect) for effect in one.for_label.tolist()), default=0.0)
    for word, is_known, effect in zip(one.words, one.known, one.for_label.tolist(), strict=True):
        share = abs(effect) / strongest if strongest else 0.0
        red, green, blue = _FOR if effect > 0 else _AGAINST
        colour = f"rgba({red}, {green}, {blue}, {0.6 * share:.2f})" if share >= _FAINT else ""
        words.append(
            {
                "word": visible(word), "title": f"{effect:+.3f}", "colour": colour,
                "is_unknown": not is_known,
            }
        )  # fmt: skip
    return {
        "label": visible(one.label), "score": f"{one.score:.4f}", "words": words,
        "unread": one.unread,
    }  # fmt: skip


def terminal(one: Explained) -> Text:
    """An explanation's words for a terminal, without anything that it would obey."""
    from rich.text import Text

    text = Text()
    strongest = max((abs(effect) for effect in one.for_label.tolist()), default=0.0)
    for word, effect in zip(one.words, one.for_label.tolist(), strict=True):
        share = abs(effect) / strongest if strongest else 0.0
        hue = "green" if effect > 0 else "red"
        weight = "bold reverse" if share >= 0.5 else "bold"
        text.append(visible(word), style=f"{weight} {hue}" if share >= _FAINT else "")
        text.append(" ")
    if one.unread:
        text.append(f"(and {one.unread:,} more words, which are not read)", style="italic")
    return text


def in_words(one: Explained, most: int = 5) -> str:
    """The strongest words of both sides, in a line."""
    sides = one.strongest(most)
    parts = []
    for title, side in zip(("for", "against"), sides, strict=True):
        if side:
            listed = ", ".join(f"{visible(word)} {effect:+.2f}" for word, effect in side)
            parts.append(f"{title} {visible(one.label)}: {listed}")
    return "; ".join(parts) or "no word changes its score"
