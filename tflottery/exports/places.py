"""Where models go: their names and versions, and which of them are taken."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from pathlib import Path

from tflottery.errors import UserError
from tflottery.models.architecture import Architecture
from tflottery.naming import short_name
from tflottery.tickets.ticket import Ticket

CARD = "model_card.md"
"""What a version is, for people."""

# A name must not be a number: such a folder would be taken for a version.
_LONGEST = 100
_NAME = re.compile(r"(?!\d+\Z)[A-Za-z0-9][A-Za-z0-9_.-]*")


def default_name(ticket: Ticket) -> str:
    """The default name of an export: data set and architecture, as ``imdb-cnn``."""
    dataset = re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(ticket.recipe.data.dataset).stem).lstrip("_.-")
    return short_name(f"{dataset}-{ticket.recipe.model.name}".lstrip("-"), _LONGEST)


def network_of(ticket: Ticket) -> Architecture:
    """The ticket's network as a card shows it: of the vectors that its words begin with the file's
    name, without the folders of somebody's machine."""
    model = ticket.recipe.model
    vectors = getattr(model, "vectors", "")
    if not vectors:
        return model
    return dataclasses.replace(model, vectors=Path(vectors).name)  # type: ignore[type-var]


def checked_name(name: str) -> str:
    """The name, if it can be used in paths and in a server's addresses.

    Raises:
        UserError: it cannot.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise UserError(
            f"--name {name[:_LONGEST]!r}: a model's name is made of letters, digits, '_', '-' and "
            f"'.', at most {_LONGEST}, begins with a letter or digit, and is no number, which "
            "would be a version; --output says where it goes."
        )
    return name


def versions(base: Path) -> list[int]:
    """The versions in a model's folder, in order."""
    found = [path.name for path in base.iterdir()] if base.is_dir() else []
    return sorted(int(name) for name in found if name.isdecimal())


def require_publishable(base: Path, version: int | None) -> None:
    """Checks that a version can be published, before hours of work go into it.

    Raises:
        UserError: the extra ``serving`` is not installed, or the version exists.
    """
    _require_protos()
    if version in versions(base):
        raise taken(base / str(version))


def _require_protos() -> None:
    """Checks that TensorFlow Serving's messages can be written.

    Raises:
        UserError: the extra ``serving`` is not installed.
    """
    if importlib.util.find_spec("tensorflow_serving") is None:
        raise UserError(
            "An export holds warm-up requests, which take tensorflow-serving-api: "
            "pip install 'tflottery[serving]'."
        )


def taken(folder: Path) -> UserError:
    """The error to raise for a version that exists."""
    return UserError(
        f"{folder} is there already, and a version never changes; leave --version out for the next."
    )
