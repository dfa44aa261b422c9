"""The formats by name, and what has to be true before a ticket is written in some of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tflottery.errors import UserError, suggest
from tflottery.exports.formats.format import Format
from tflottery.exports.formats.keras_file import KerasFile
from tflottery.exports.formats.onnx_file import Onnx
from tflottery.exports.formats.safe_tensors import SafeTensors
from tflottery.exports.formats.savedmodel import SavedModel
from tflottery.exports.formats.tflite import TfLite
from tflottery.exports.formats.web_page import WebPage

if TYPE_CHECKING:
    from tflottery.tickets.ticket import Ticket

_ALL: tuple[Format, ...] = (SavedModel(), KerasFile(), SafeTensors(), TfLite(), Onnx(), WebPage())
SAVED_MODEL = SavedModel.name
FORMATS: dict[str, Format] = {one.name: one for one in _ALL}


def of_file(path: Path) -> Format:
    """The format of a SavedModel's folder, or of a file by its ending."""
    for one in _ALL:
        if one.file and path.suffix == Path(one.file).suffix:
            return one
    return FORMATS[SAVED_MODEL]


def chosen(words: str | Sequence[str]) -> tuple[Format, ...]:
    """The formats that are meant, without the SavedModel, which is in every version, in the order
    of ``FORMATS``.

    Args:
        words: names, as a list or with commas between them.

    Raises:
        UserError: there is no such format.
    """
    given = words.split(",") if isinstance(words, str) else words
    if not isinstance(given, (list, tuple)):
        raise UserError(f"--format takes names of formats, not {given!r}: {', '.join(FORMATS)}.")
    names = [str(name).strip() for name in given]
    for name in names:
        if name not in FORMATS:
            raise UserError(f"There is no format {name!r}. {suggest(name, FORMATS)}")
    return tuple(one for one in _ALL if one.name in names and one.name != SAVED_MODEL)


def is_installed(one: Format) -> bool:
    """Whether all that a format takes beside TensorFlow is there."""
    return all(importlib.util.find_spec(name) is not None for name in one.modules)


def require_writable(formats: Sequence[Format], ticket: Ticket) -> None:
    """Makes sure that a ticket can be written so, before anything is read or trained.

    Raises:
        UserError: a package is not installed, or a format has no room for the ticket's network.
    """
    for one in formats:
        if not is_installed(one):
            raise UserError(
                f"--format {one.name} takes {' and '.join(one.modules)}: "
                "pip install 'tflottery[formats]'."
            )
        if refusal := one.refusal(ticket):
            raise UserError(refusal)
