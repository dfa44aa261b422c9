"""Addresses of servers, as people paste them: ``host:8500`` for gRPC, ``http://host:8501`` for
REST, or the whole address of a prediction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tflottery.errors import UserError

# The ports that a server listens at by default.
GRPC_PORT, REST_PORT = 8500, 8501
_FORMS = f"host:{GRPC_PORT} for gRPC, http://host:{REST_PORT} for REST"
_REST = ("http", "https")
# How gRPC itself names servers, beside host:port.
_GRPC = ("dns", "unix", "unix-abstract", "ipv4", "ipv6", "vsock")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\s/:@\[\]]+)(?::\d{1,5})?")
# What follows the server in the address of a model, of one of its versions, of a prediction.
_OF_A_MODEL = re.compile(
    r"(?P<before>.*?)/v1(?:/models(?:/(?P<name>[^/:]+)(?:/versions/(?P<version>\d+))?"
    r"(?:/metadata|:[a-z]+)?)?)?/*"
)


@dataclass(frozen=True)
class Server:
    """``address``: as ``client.over_rest`` or ``over_grpc`` takes it. ``model``: the path of the
    model that is asked: its name, or its name and version."""

    address: str
    is_rest: bool
    model: Path


def read(server: str, model: str | Path | None) -> Server:
    """Which server, and which model of it.

    Args:
        server: ``host:port``, ``http://host:port``, or such an address with ``/v1/models/…`` behind
            it, as a server's own documentation has it.
        model: a model's name or folder, or that of a version; None where the address names it.

    Raises:
        UserError: it is no address, names no model or another one.
    """
    text = server.strip()
    scheme, _, rest = text.partition(":")
    scheme = scheme.lower() if rest.startswith("//") or scheme in _GRPC else ""
    if scheme in _GRPC:
        return Server(text, False, _chosen(None, model))
    if scheme and scheme not in _REST:
        raise UserError(f"--server {server!r}: {scheme} is not asked; give {_FORMS}.")
    # What has the path of a prediction is REST's.
    is_rest = bool(scheme) or "/v1/" in text
    address = text if scheme or not is_rest else f"http://{text}"
    host, path = _divided(address) if is_rest else (address.rstrip("/"), "")
    if not _HOST.fullmatch(host) or not text.isprintable() or " " in text:
        raise UserError(f"--server {server!r} is no address of a server; give {_FORMS}.")
    if not is_rest:
        return Server(host, False, _chosen(None, model))
    beginning = f"{scheme or 'http'}://{host}"
    of_model = _OF_A_MODEL.fullmatch(path)
    if of_model is None:
        return Server(f"{beginning}{path.rstrip('/')}", True, _chosen(None, model))
    named = None
    if of_model["name"]:
        named = Path(of_model["name"], *filter(None, [of_model["version"]]))
    return Server(f"{beginning}{of_model['before']}", True, _chosen(named, model))


def _divided(address: str) -> tuple[str, str]:
    """Host with port, and path; both empty where it is no address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "", ""
    return ("", "") if parts.query or parts.fragment else (parts.netloc, parts.path)


def _chosen(named: Path | None, given: str | Path | None) -> Path:
    if named is None:
        if not given:
            raise UserError("Which model? Give --model its name on the server.")
        return Path(given)
    if not given:
        return named
    path = Path(given)
    is_version = path.name.isdecimal()
    known = path.absolute().parent.name if is_version else path.name
    if known != named.parts[0] or (is_version and named.parts[1:] not in ((), (path.name,))):
        raise UserError(
            f"--server asks for the model {str(named)!r} and --model for {str(path)!r}; leave one "
            "out."
        )
    return path if is_version else named


def hint(address: str, *, is_rest: bool) -> str:
    """A sentence for a server that does not answer, where the port is that of the other way to ask
    it; empty where it is not."""
    host = address.partition("//")[2] if is_rest else address
    name, _, port = host.partition("/")[0].rpartition(":")
    if is_rest and port == str(GRPC_PORT):
        return f" {port} is the port of gRPC: try --server {name}:{port}, or port {REST_PORT}."
    if not is_rest and port == str(REST_PORT):
        return f" {port} is the port of REST: try --server http://{name}:{port}."
    if not is_rest and not name:
        return f" It has no port: try --server {address}:{GRPC_PORT}."
    return ""
