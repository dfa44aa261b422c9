"""How results show themselves in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_TEMPLATE = """\
<p><strong>{{ sentence }}</strong></p>
{{ table }}
{% for line in lines %}<p>{{ line }}</p>
{% endfor %}"""


def as_html(sentence: str, table: pd.DataFrame, lines: Sequence[str] = ()) -> str:
    """A result as HTML: what it says, a table, and lines below it."""
    from jinja2 import Environment
    from markupsafe import Markup

    template = Environment(autoescape=True).from_string(_TEMPLATE)
    shown = Markup(table.to_html(index=False, float_format="{:.4g}".format, na_rep=""))
    return template.render(sentence=sentence, table=shown, lines=lines)
