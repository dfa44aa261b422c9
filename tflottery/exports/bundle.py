"""A bundle: a ticket to share, as one folder that any file host takes.

::

    saved_models/<name>-bundle/
      ticket.json, masks.npz, …     the ticket; ``load_ticket`` reads the folder
      model.safetensors             its trained weights, for other frameworks
      deciding.json                 the words that decide a class, where the data could be had
      README.md                     a model card with the head that Hugging Face's hub reads
      SHA256SUMS                    of every file, for ``sha256sum --check``

Nothing is uploaded, and no licence is chosen: both are the user's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from tflottery import startup
from tflottery.errors import UserError
from tflottery.exports import checksums
from tflottery.exports.formats import tensors
from tflottery.exports.formats.format import Given
from tflottery.exports.formats.registry import FORMATS, require_writable
from tflottery.exports.own_texts import OwnTexts
from tflottery.exports.places import network_of
from tflottery.exports.session import Process
from tflottery.files import new_folder, sha256_of_file
from tflottery.reasons.deciding import Deciding
from tflottery.report import environments
from tflottery.tickets.methods import METHODS
from tflottery.tickets.ticket import Ticket, load_ticket

CARD = "README.md"
_TEMPLATE = "exports/bundle.md.j2"
_SAFE = FORMATS["safetensors"]


@dataclass(frozen=True)
class Bundle:
    """``ticket``: what was bundled, as it is read from the bundle; ``folder``: where it is.
    ``remarks``: what to mind, a line each."""

    ticket: Ticket
    folder: Path
    remarks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name


def require_free(folder: Path, ticket: Ticket) -> None:
    """Makes sure that a bundle can be written there, before anything is.

    Raises:
        UserError: safetensors is not installed, or the folder holds something else than a bundle.
    """
    require_writable([_SAFE], ticket)
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if not there and not folder.is_file():
        return
    sums = checksums.read(folder) if folder.is_dir() else {}
    if not sums:
        raise UserError(f"{folder} is a folder of other things; move them, or give another --name.")
    own = sorted(there - {*sums, checksums.FILE})
    if not own and CARD in there and sha256_of_file(folder / CARD) != sums.get(CARD):
        own = [CARD]
    if own:
        raise UserError(
            f"{folder} is a bundle with something of your own ({own[0]}), which a new one would "
            "not have; move it, or give another --name."
        )


def write(ticket: Ticket, folder: Path, own: OwnTexts | None = None) -> Bundle:
    """Writes a bundle, and reads it back before it appears; one that is there is replaced.

    Args:
        ticket: one with trained weights.
        folder: the bundle's.
        own: the ticket's data, for the words that decide a class; these take TensorFlow.

    Raises:
        UserError: as ``require_free``, or the ticket is damaged.
        TflotteryError: the bundle does not hold the ticket's weights.
    """
    require_free(folder, ticket)
    with new_folder(folder) as staging:
        copied = ticket.save(staging / "ticket")
        for file in copied.folder.iterdir():
            file.replace(staging / file.name)
        copied.folder.rmdir()
        _SAFE.write(Given(ticket), staging / _SAFE.file)
        with Process(staging / _SAFE.file) as served:
            tensors.require_same(served, _SAFE, ticket)
        decides = _deciding(ticket, own, staging)
        (staging / CARD).write_text(card(ticket, folder.name, decides), encoding="utf-8")
        checksums.write(staging)
        load_ticket(staging)
    lacking = own.remark("Its card has no words that decide a class") if own else ""
    return Bundle(load_ticket(folder), folder, (lacking,) if lacking else ())


def _deciding(ticket: Ticket, own: OwnTexts | None, folder: Path) -> Deciding | None:
    """What decides a class, written into the folder; None without the data."""
    if own is None or own.corpus is None:
        return None
    startup.start_tensorflow()
    from tflottery.exports import decisive, network
    from tflottery.exports.verification import scorer

    python_model = scorer(ticket.build("final"))
    served = network.of_ticket(ticket)
    found = decisive.of_network(served, ticket, python_model, own.corpus.validation)
    decisive.write(folder, found, ticket)
    return found


def card(ticket: Ticket, name: str, decides: Deciding | None = None) -> str:
    """The model card as Markdown, with a head in YAML.

    Args:
        ticket: what is bundled.
        name: the bundle's.
        decides: the words and n-grams that decide a class, where they were looked for.
    """
    rendered = (
        environments.markdown()
        .get_template(_TEMPLATE)
        .render(
            about=ticket.about,
            classes=ticket.classes,
            dataset=_dataset(ticket),
            data=ticket.recipe.data,
            decides=decides,
            head=Markup("\n".join(f"{key}: {json.dumps(one)}" for key, one in _head(ticket, name))),
            method=METHODS[ticket.about["method"]],
            name=name,
            network=network_of(ticket),
            sentence=ticket.sentence,
        )
    )
    return f"{rendered}\n"


def _dataset(ticket: Ticket) -> str:
    """The data set's name; of a file, without the folders of somebody's machine."""
    return Path(ticket.recipe.data.dataset).name


def _head(ticket: Ticket, name: str) -> list[tuple[str, Any]]:
    """What the hub reads, by key; JSON is YAML."""
    dataset = _dataset(ticket)
    own = ["lottery-ticket"] if METHODS[ticket.about["method"]].finds_tickets else []
    metrics = [
        {"type": "accuracy", "name": f"{split} accuracy", "value": ticket.about[key]}
        for split in ("test", "validation")
        if (key := f"ticket_{split}_accuracy") in ticket.about
    ]
    head: list[tuple[str, Any]] = [
        ("library_name", "tflottery"),
        ("pipeline_tag", "text-classification"),
        ("tags", [*own, "pruning", "sparse", ticket.recipe.model.name]),
    ]
    if metrics:
        task = {"type": "text-classification"}
        of_data = {"name": dataset, "type": dataset}
        result = {"task": task, "dataset": of_data, "metrics": metrics}
        head += [
            ("metrics", ["accuracy"]),
            ("model-index", [{"name": name, "results": [result]}]),
        ]
    return head
