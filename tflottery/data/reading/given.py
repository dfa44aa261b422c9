"""Data as a call is given them: a name, a path, a DataFrame, or texts and labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from tflottery.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

Data = Union[str, Path, "pd.DataFrame", tuple[Sequence[str], Sequence[Any]]]
"""``imdb``, a TFDS builder, a path, a DataFrame, or (texts, labels)."""


def columns(text: str | int = "", label: str | int = "") -> dict[str, Any]:
    """The keys of ``[data]`` that name the columns of texts and labels, of those that are given."""
    given = {"data.text_column": text, "data.label_column": label}
    return {key: name for key, name in given.items() if name != ""}


def settings(
    dataset: Data | None,
    text: str | int = "",
    label: str | int = "",
    validation: Data | None = None,
    test: Data | None = None,
    data_dir: str | Path | None = None,
) -> dict[str, Any]:
    """The keys of ``[data]`` that say the same, as ``data.dataset``.

    Args:
        dataset: what to train on; None leaves that to the configuration.
        text, label: the columns that hold them; empty for ``text`` and ``label``.
        validation, test: of a DataFrame or lists: more of the same kind.
        data_dir: folder of prepared TFDS data.

    Raises:
        UserError: parts of unlike kinds, or parts beside a name or a path.
    """
    chosen = columns(text, label)
    if data_dir is not None:
        chosen["data.data_dir"] = str(data_dir)
    if dataset is None or isinstance(dataset, (str, Path)):
        if validation is not None or test is not None:
            raise UserError(
                "validation and test go with a DataFrame or lists; a file has a column 'split', "
                "and a data set its own splits."
            )
        if dataset is not None and not str(dataset):
            raise UserError("The data set's name is empty; leave it out for the configuration's.")
        return chosen if dataset is None else {**chosen, "data.dataset": str(dataset)}
    from tflottery.data.reading import memory

    chosen["data.dataset"] = memory.register(
        dataset,
        validation,
        test,
        text_column="text" if text == "" else str(text),
        label_column="label" if label == "" else str(label),
    )
    return chosen
