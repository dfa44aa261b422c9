"""A source: where labelled texts come from."""

from __future__ import annotations

from collections.abc import Iterator

import tflottery as tfl


@tfl.register_source("example_mails")
def mails() -> Iterator[tuple[str, str]]:
    """Two kinds of short mails; yours come from a database, an archive, an API."""
    for number in range(60):
        yield f"offer {number}: buy now, cheap and quick", "advert"
        yield f"meeting {number} moves to the room upstairs", "work"
