"""Rates by layer: how much of each tensor a round prunes, told by roles, names and patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from tflottery.errors import UserError, suggest
from tflottery.models.biases import biases_beside
from tflottery.models.roles import Roles
from tflottery.settings import NumbersByName, in_one_form

Rates = NumbersByName
"""Pairs of a name and a fraction in [0, 1). A name is a role (``embedding``, ``head``), a layer, a
tensor, or a pattern of layers or tensors as shells have them (``conv_*``)."""

KEY = "pruning.rates"
# What the tensors get that no other name is of.
REST = "*"
_WILD = re.compile(r"[*?]|\[[^]]*\]")


def checked(rates: Rates) -> Rates:
    """The rates in their one form, sorted by name, so that their order is no part of a key.

    Raises:
        UserError: a rate is no fraction in [0, 1), or a name stands there twice.
    """
    for name, rate in rates:
        if not name.strip() or not 0 <= rate < 1:
            raise UserError(
                f"{KEY} holds {name} = {rate:g}; a rate is the part of what is left of a tensor "
                "that a round prunes, in [0, 1)."
            )
    return in_one_form(KEY, rates)


def with_rest(rates: Rates, rate: float) -> Rates:
    """The rates with one for the tensors that none of them names; no rates stay none."""
    if not rates or any(name == REST for name, _ in rates):
        return rates
    return tuple(sorted((*rates, (REST, rate))))


def require_named(rates: Rates, names: Iterable[str], roles: Roles) -> None:
    """Makes sure that every name is of a tensor of the network.

    Args:
        rates: as the settings hold them.
        names: of all tensors that have a mask.
        roles: of the network.

    Raises:
        UserError: one is of none; the line names the nearest one.
    """
    known = sorted(names)
    for name, _ in rates:
        if name != REST and not _matched(name, known, roles):
            layers = {tensor.partition("/")[0] for tensor in known}
            roles_there = {role for role in ("embedding", "head") if getattr(roles, role)}
            raise UserError(
                f"{KEY} names {name}, and this network prunes no such tensor. "
                f"{suggest(name, {*layers, *roles_there, *known})}"
            )


def without(rates: Rates, names: Iterable[str], roles: Roles, exclude: Iterable[str]) -> Rates:
    """The rates but those of excluded tensors alone.

    Args:
        rates: as the settings hold them.
        names: of all tensors that have a mask.
        roles: of the network.
        exclude: tensors that are not pruned.
    """
    known, excluded = sorted(names), set(exclude)
    return tuple(
        (name, rate)
        for name, rate in rates
        if not (matched := set(_matched(name, known, roles))) or not matched <= excluded
    )


def require_usable(
    rates: Rates,
    names: Iterable[str],
    roles: Roles,
    exclude: Iterable[str],
    of_units: Mapping[str, Iterable[str]] | None = None,
) -> None:
    """Makes sure that a network can be pruned by these rates, before anything is trained.

    Args:
        rates: with one for the rest.
        names: of all tensors that have a mask.
        roles: of the network.
        exclude: tensors that are not pruned.
        of_units: as ``layers`` of ``by_layer``, where whole units are pruned.

    Raises:
        UserError: a name is of no tensor, or of excluded ones alone and above 0; nothing has a
            rate above 0; or as ``by_tensor`` and ``by_layer``.
    """
    known, excluded = sorted(names), set(exclude)
    require_named(rates, known, roles)
    for name, rate in rates:
        matched = _matched(name, known, roles)
        if rate and matched and set(matched) <= excluded:
            raise UserError(
                f"{KEY} prunes {name} at {rate:g}, and pruning.embedding or pruning.head excludes "
                "it; leave one of them out."
            )
    found = by_tensor(rates, known, roles)
    pruned = {name for name in known if found[name]} - excluded
    if of_units is not None:
        by_layer(rates, of_units, known, roles)
        pruned &= {tensor for tensors in of_units.values() for tensor in tensors}
    if not pruned:
        what = "no tensor" if of_units is None else "no layer of units"
        raise UserError(f"{KEY} give {what} a rate above 0, so that nothing would be pruned.")


def by_tensor(rates: Rates, names: Iterable[str], roles: Roles) -> dict[str, float]:
    """The rate of each tensor: that of its own name, else of its layer or role, else of the pattern
    that spells out most of it.

    Args:
        rates: with one for the rest; see ``with_rest``.
        names: of the tensors that are to have a rate.
        roles: of the network.

    Raises:
        UserError: two rates are of a tensor in the same right, or none is.
    """
    known = sorted(names)
    found: dict[str, dict[tuple[int, int], tuple[str, float]]] = {name: {} for name in known}
    for name, rate in rates:
        for tensor in _matched(name, known, roles):
            rank = _rank(name, tensor)
            other, before = found[tensor].get(rank, (name, rate))
            if before != rate:
                raise UserError(
                    f"{KEY} gives {tensor} two rates, {before:g} as {other} and {rate:g} as "
                    f"{name}; leave one out."
                )
            found[tensor][rank] = (name, rate)
    if without := [tensor for tensor in known if not found[tensor]]:
        raise UserError(f"{KEY} gives {without[0]} no rate; add one for {REST}.")
    return {tensor: ranked[max(ranked)][1] for tensor, ranked in found.items()}


def by_layer(
    rates: Rates, layers: Mapping[str, Iterable[str]], names: Iterable[str], roles: Roles
) -> dict[str, float]:
    """The rate of the units of each layer.

    Args:
        rates: as in ``by_tensor``.
        layers: the tensors that compute the units of each layer, biases left out.
        names: of all tensors that have a mask.
        roles: of the network.

    Raises:
        UserError: the tensors of a layer have different rates, or a tensor without units is to be
            pruned.
    """
    known = sorted(names)
    of = by_tensor(rates, known, roles)
    found: dict[str, float] = {}
    for layer, tensors in layers.items():
        own = {of[tensor] for tensor in tensors if tensor in of}
        if len(own) > 1:
            raise UserError(
                f"{KEY} gives the tensors of {layer} different rates, and its units are pruned "
                "whole; give the layer one."
            )
        if own:
            found[layer] = own.pop()
    of_units = {tensor for tensors in layers.values() for tensor in tensors}
    for name, rate in rates:
        matched = _matched(name, known, roles)
        if rate and name != REST and not of_units & set(matched):
            raise UserError(
                f"{KEY} prunes {name} at {rate:g}, and this criterion prunes whole units, of which "
                f"it has none; leave it out."
            )
    return found


def _matched(name: str, tensors: Iterable[str], roles: Roles) -> list[str]:
    """The tensors that a name is of."""
    known = list(tensors)
    role = tuple(getattr(roles, name, ())) if name in ("embedding", "head") else ()
    if role:
        # As where a role is excluded, what its layers add goes with it.
        beside = {*role, *biases_beside(role, known)}
        return [tensor for tensor in known if tensor in beside]
    return [
        tensor
        for tensor in known
        if tensor == name
        or tensor.startswith(f"{name}/")
        or (_WILD.search(name) and _is_like(tensor, name))
    ]


def _is_like(tensor: str, pattern: str) -> bool:
    return fnmatchcase(tensor, pattern) or fnmatchcase(tensor.partition("/")[0], pattern)


def _rank(name: str, tensor: str) -> tuple[int, int]:
    """A tensor's own name comes before that of its layer or role, and these before patterns, which
    come by how much they spell out, ``REST`` last."""
    if name == REST:
        return -1, 0
    if name == tensor:
        return 2, 0
    return (0, len(_WILD.sub("", name))) if _WILD.search(name) else (1, 0)
