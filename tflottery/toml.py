"""Settings as TOML: the tables of a file, and ``section.key=value`` texts, read and written."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Collection, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from tflottery.errors import UserError
from tflottery.settings import Tables, plain

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def folder() -> Path:
    """``configs/``, which comes along with the package wherever that is installed.

    Raises:
        UserError: it is not there, and names would mean other settings without a word.
    """
    found = Path(str(resources.files("tflottery") / "configs")).resolve()
    if not (found / "defaults.toml").is_file():
        raise UserError(
            f"The configurations of tflottery are missing: there is no {found}/defaults.toml. "
            "Install it again."
        )
    return found


def read_toml(path: Path, sections: Collection[str]) -> Tables:
    """The tables of a TOML file.

    Raises:
        UserError: it cannot be read, is no TOML, or holds a key outside of a table.
    """
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    except RecursionError:
        raise UserError(f"{path} is nested too deeply to be a configuration.") from None
    except ValueError as error:  # also of bytes that are no text, and of numbers without end
        raise UserError(f"{path} is no TOML: {error}.") from None
    for section, table in tables.items():
        if not isinstance(table, dict):
            raise UserError(f"{path}: {section!r} stands outside the tables {list(sections)}.")
    return tables


def parse_assignment(text: str) -> tuple[str, Any]:
    """``section.key=value`` as its key and value; what is no TOML value is a text.

    Raises:
        UserError: it has another form.
    """
    key, equals, value = text.partition("=")
    if not equals or key.count(".") != 1:
        raise UserError(f"--set {text}: write it as section.key=value.")
    if "\n" in text:
        raise UserError(f"--set {key}: one setting each; this holds more than one line.")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        return key.strip(), value.strip()


def assignment(key: str, value: Any) -> str:
    """A setting as ``parse_assignment`` reads it back: ``section.key=value``. A text is quoted
    where it would be read as something else."""
    if isinstance(value, (str, os.PathLike)):
        text = str(value)
        unquoted = f"{key}={text}"
        if "\n" not in text and parse_assignment(unquoted)[1] == text:
            return unquoted
    return f"{key}={_toml(value)}"


def key_of_toml(name: str) -> str:
    """A name as the key of a TOML table, quoted where it has to be."""
    return name if _BARE.fullmatch(name) else _toml(name)


def _toml(value: Any) -> str:
    value = plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        held = (f"{key_of_toml(str(name))}={_toml(one)}" for name, one in value.items())
        return f"{{{', '.join(held)}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, (int, float)):
        return repr(value)
    # TOML's strings are JSON's, but for this one sign.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
