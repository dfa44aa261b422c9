"""Names of files: those that are made of what others call their data and networks, and those that
no disk has."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from tflottery.errors import UserError

# Bytes, on the file systems of Linux, macOS and Windows alike.
_LONGEST = 255


def short_name(name: str, longest: int = 60) -> str:
    """A name that a disk can have, of at most so many bytes; of a longer one, or one with half a
    character that is no byte either, the beginning with 8 digits of what the whole is, so that
    names that differ stay different. By default it has room beside others in the name of a folder:
    what a data set or a network is called."""
    try:
        whole = name.encode("utf-8", "surrogateescape")
        if len(whole) <= longest:
            return name
    except UnicodeEncodeError:
        whole = name.encode("utf-8", "surrogatepass")
    digits = hashlib.sha256(whole).hexdigest()[:8]
    # A character that is cut apart is left out.
    beginning = whole[: longest - len(digits) - 1].decode("utf-8", "ignore")
    return f"{beginning.rstrip()}-{digits}"


def require_fitting(path: Path, flag: str) -> None:
    """Makes sure that a path has no name that is too long for a disk.

    Raises:
        UserError: it has; the text names ``flag``, which the user can change.
    """
    for name in path.parts:
        if (size := len(os.fsencode(name))) > _LONGEST:
            raise UserError(
                f"{name[:40]}… has {size} bytes, more than the {_LONGEST} that a name on a disk "
                f"has; give {flag} another place."
            )
