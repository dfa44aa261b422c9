"""From a ticket to a version folder that a polling server may find.

::

    saved_models/<name>/<version>/
      saved_model.pb, variables/, assets/vocabulary.txt
      assets.extra/tf_serving_warmup_requests
      model_card.md
    saved_models/<name>/models.config, batching.config, compose.yaml
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tflottery.data.corpus import Encoded
from tflottery.errors import UserError
from tflottery.exports import network, saved_model, serving_files
from tflottery.exports.compaction import compact
from tflottery.exports.model_card import model_card
from tflottery.exports.verification import SENTENCES, scorer, verify
from tflottery.files import new_folder
from tflottery.tickets.ticket import Ticket

# A folder whose name is a number is a version.
_NAME = re.compile(r"(?!\d+\Z)[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Published:
    """A version that is in its place, and a sentence on how it was checked."""

    folder: Path
    checked: str


def publish(
    ticket: Ticket, base: Path, version: int | None = None, test: Encoded | None = None
) -> Published:
    """Writes, checks and publishes the trained network of a ticket.

    The folder appears by rename once everything in it is checked, so that a server that polls
    ``base`` never sees half a version.

    Args:
        ticket: with final weights.
        base: the model's folder, one folder a version in it; its name is the model's.
        version: a free number; by default the one after the highest that is there.
        test: export the network without what pruning made useless, and compare all its scores on
            these texts with the ticket's.

    Raises:
        UserError: the name or the version cannot be.
        TflotteryError: the export is not what the Python model is.
    """
    require_publishable(base, version)
    version = max(versions(base), default=0) + 1 if version is None else version
    folder = base / str(version)
    served, python_model = network.of_ticket(ticket), scorer(ticket.build("final"))
    if test is not None:
        served = compact(served)
    try:
        with new_folder(folder, replace=False) as staging:
            saved_model.save(served, ticket.vocabulary, staging)
            difference = verify(staging, served, ticket.vocabulary, python_model, test)
            checked = _checked(difference, test)
            serving_files.write_warm_up(staging, base.name, ticket.vocabulary, served.max_length)
            card = model_card(ticket, served, base.name, version, checked)
            (staging / "model_card.md").write_text(card, encoding="utf-8")
    except FileExistsError:
        raise _taken(folder) from None
    serving_files.write_configuration(base)
    return Published(folder, checked)


def _checked(difference: float, test: Encoded | None) -> str:
    texts = f"{len(SENTENCES)} texts"
    if test is not None:
        texts += f" and of all {len(test):,} test texts"
    return (
        f"Loaded in a fresh process: scores of {texts} within {difference:.0e} of the Python "
        "model's."
    )


def model_name(ticket: Ticket) -> str:
    """The name of an export where none is given: ``imdb-cnn``."""
    dataset = re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(ticket.recipe.data.dataset).stem).lstrip("_.-")
    return f"{dataset}-{ticket.recipe.model.name}".lstrip("-")


def check_name(name: str) -> str:
    """The name, if a folder and a server's address can hold it."""
    if not _NAME.fullmatch(name):
        raise UserError(
            f"--name {name!r}: a model's name is made of letters, digits, '_', '-' and '.', and "
            "begins with a letter or digit, and is no number, which would be a version; --output "
            "says where it goes."
        )
    return name


def versions(base: Path) -> list[int]:
    """The versions of a model that are there, in order."""
    found = [path.name for path in base.iterdir()] if base.is_dir() else []
    return sorted(int(name) for name in found if name.isdecimal())


def require_publishable(base: Path, version: int | None) -> None:
    """Makes sure that a version can be published, before hours of work go into it.

    Raises:
        UserError: the extra ``serving`` is not installed, or the version is there already.
    """
    serving_files.require_protos()
    if version in versions(base):
        raise _taken(base / str(version))


def _taken(folder: Path) -> UserError:
    return UserError(
        f"{folder} is there already, and a version never changes; leave --version out for the next."
    )
