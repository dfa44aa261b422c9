"""Publishes a ticket as a version of a model, in a folder that a server may watch.

::

    saved_models/<name>/<version>/
      saved_model.pb, variables/, assets/vocabulary.txt
      assets.extra/tf_serving_warmup_requests
      model_card.md, reading.json, SHA256SUMS
      model.keras, model.onnx, … where other formats are asked for
    saved_models/<name>/models.config, batching.config, compose.yaml
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tflottery import activity
from tflottery.data.encoded import Encoded
from tflottery.exports import checksums, network, reading, saved_model, serving_files
from tflottery.exports.compaction import compact
from tflottery.exports.formats import checking
from tflottery.exports.formats.checking import Also, Beside
from tflottery.exports.formats.format import Given
from tflottery.exports.model_card import model_card
from tflottery.exports.network import Network
from tflottery.exports.places import CARD, require_publishable, taken, versions
from tflottery.exports.verification import Scorer, scorer, sentences, verify
from tflottery.files import new_folder
from tflottery.tickets.ticket import Ticket


@dataclass(frozen=True)
class Published:
    """The folder of a published version, a sentence on how it was checked, one on its size, and the
    files of other formats."""

    folder: Path
    checked: str
    size: str = ""
    beside: tuple[Beside, ...] = ()


def publish(
    ticket: Ticket,
    base: Path,
    version: int | None = None,
    test: Encoded | None = None,
    also: Also | None = None,
) -> Published:
    """Writes, checks and publishes the trained network of a ticket.

    The folder appears, by rename, when everything in it is checked. So a server that watches
    ``base`` never sees half a version.

    Args:
        ticket: a ticket with trained weights.
        base: the model's folder, which has a folder for each version; its name is the model's.
        version: a number that is not taken; by default the highest version plus 1.
        test: test texts; with them, the network is exported without what pruning made useless, and
            its scores on all of them are compared with the ticket's.
        also: other formats to write beside the SavedModel.

    Raises:
        UserError: the version exists, or the extra ``serving`` is not installed.
        TflotteryError: the export's scores are not the Python model's.
    """
    require_publishable(base, version)
    version = max(versions(base), default=0) + 1 if version is None else version
    folder = base / str(version)
    whole = network.of_ticket(ticket)
    served, python_model = whole, scorer(ticket.build("final"))
    if test is not None:
        with activity.doing("leaving out what pruning made useless"):
            served = compact(served)
    try:
        with new_folder(folder, replace=False) as staging:
            with activity.doing("writing the model"):
                saved_model.save(served, ticket.vocabulary, staging)
            with activity.doing("testing it in a fresh process", len(test) if test else 0):
                difference = verify(staging, served, ticket.vocabulary, python_model, test)
            checked = _checked(difference, len(sentences(served.wording)), test)
            serving_files.write_warm_up(
                staging, base.name, ticket.vocabulary, served.max_length, served.wording
            )
            reading.write(staging, served.wording, served.own_rows)
            beside = _beside(also, ticket, served, python_model, staging)
            said = " ".join([checked, *(one.sentence for one in beside)])
            card = model_card(ticket, served, base.name, version, said)
            checksums.write(staging)
            (staging / CARD).write_text(card, encoding="utf-8")
            # Before the version appears: where these do not fit, it does not either.
            serving_files.write_configuration(base)
    except FileExistsError:
        raise taken(folder) from None
    return Published(folder, checked, _size(whole, served, folder), beside)


def _beside(
    also: Also | None, ticket: Ticket, served: Network, python_model: Scorer, folder: Path
) -> tuple[Beside, ...]:
    if also is None:
        return ()
    given = Given(ticket, served, also.quantize, also.examples)
    return checking.write(also, given, python_model, folder)


def _size(whole: Network, served: Network, folder: Path) -> str:
    """Numbers, those of them that are zero, and bytes: three things that one word could mean."""
    kept = sum(int(np.count_nonzero(weight)) for weight in served.weights.values())
    stored = sum(path.stat().st_size for path in folder.glob("variables/*"))
    return (
        f"{served.numbers:,} weights and biases in {stored / 1000:,.0f} kB (dense: "
        f"{whole.numbers:,}), of which {kept:,} are not zero. A zero takes as many bytes as any "
        "other number until the files are compressed."
    )


def _checked(difference: float, sentences: int, test: Encoded | None) -> str:
    texts = f"{sentences} texts"
    if test is not None:
        texts += f" and of all {len(test):,} test texts"
    return (
        f"Loaded in a fresh process: scores of {texts} within {difference:.0e} of the Python "
        "model's."
    )
