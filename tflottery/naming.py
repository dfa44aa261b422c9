"""Names of files that are made of what others call their data and networks."""

from __future__ import annotations

import hashlib


def short_name(name: str, longest: int = 60) -> str:
    """A name that takes at most so many bytes; of a longer one the beginning, with 8 digits of what
    the whole is, so that names that differ stay different. By default it has room beside others in
    the name of a folder: what a data set or a network is called."""
    whole = name.encode("utf-8", "surrogateescape")
    if len(whole) <= longest:
        return name
    digits = hashlib.sha256(whole).hexdigest()[:8]
    # A character that is cut apart is left out.
    beginning = whole[: longest - len(digits) - 1].decode("utf-8", "ignore")
    return f"{beginning.rstrip()}-{digits}"
