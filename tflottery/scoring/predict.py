"""``predict``: an exported model's answers on texts, from its folder or from a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from tflottery import activity, plugins, status
from tflottery.data.reading.whole_table import encoded
from tflottery.errors import UserError
from tflottery.exports import client
from tflottery.exports.client import Answer
from tflottery.plugins import Plugins
from tflottery.settings import argument, place


@status.said
def predict(
    model: str | Path | None,
    texts: str | Sequence[str],
    *,
    server: str = "",
    plugin: Plugins = (),
    progress: bool = True,
) -> list[Answer]:
    """An exported model's label and score of each text, from its folder or from a running server.

    ``score`` gives every class' probability, and takes tables; a server is asked here alone.

    >>> import tflottery as tfl
    >>> tfl.predict("saved_models/toy-cnn", "dull")[0].label                      # doctest: +SKIP
    'negative'
    >>> tfl.predict("toy-cnn", ["dull", "superb"], server="localhost:8500")       # doctest: +SKIP

    Args:
        model: the folder of a model, or of one of its versions; with ``server`` its name will do,
            and None where the server's address names it.
        texts: a text, or several.
        server: ``host:8500`` for gRPC, ``http://host:8501`` for REST, or the whole address of a
            prediction; by default the model is loaded into this process.
        plugin: as in ``find_ticket``.
        progress: whether progress is shown.

    Returns:
        An answer a text, in their order.

    Raises:
        UserError: there is no such model, the address is none, or texts are something else.
        TflotteryError: the server does not answer, or not as a model of ours does.
    """
    plugins.load(plugin, installed=False)
    listed = texts_of(texts)
    ask = _asking(place("model", model) if model else None, argument("server", server, str))
    return [answer for answer, _ in _each(ask, map(encoded, listed), server)]


def answers(
    model: str | Path | None, texts: Iterable[bytes], server: str = ""
) -> Iterator[tuple[Answer, bytes]]:
    """Each text, in UTF-8, with its answer, as texts come.

    Raises:
        UserError, TflotteryError: as ``predict``; what is wrong with model or address at once.
    """
    return _each(_asking(model, server), texts, server)


def texts_of(texts: str | Iterable[str]) -> list[str]:
    """One text or several as a list.

    Raises:
        UserError: they are something else.
    """
    if isinstance(texts, str):
        return [texts]
    listed = list(texts) if isinstance(texts, Iterable) else [texts]
    if not all(isinstance(text, str) for text in listed):
        raise UserError("Texts come as a text, or as a list of texts.")
    return listed


def _asking(model: str | Path | None, server: str) -> client.Ask:
    if server:
        return client.over(server, model)
    if model is None:
        raise UserError("Which model? Give the folder that export wrote, or a server's address.")
    return client.local(client.Model(Path(model)))


def _each(ask: client.Ask, texts: Iterable[bytes], server: str) -> Iterator[tuple[Answer, bytes]]:
    rest = iter(texts)
    while batch := list(islice(rest, client.BATCH)):
        with activity.doing(f"asking {server or 'the model'}"):
            found = ask(batch)
        activity.quiet()
        yield from zip(found, batch, strict=True)
