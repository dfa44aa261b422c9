"""What a registered network is for given data: the record that its key is made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tflottery.errors import UserError
from tflottery.models.roles import Roles
from tflottery.settings import from_table

# Not a part of keys: the identity says all that they lead to.
BESIDE = {"key": False}
_NO_ROLES = Roles()


def _beside(default: Any) -> Any:
    return field(default=default, compare=False, metadata=BESIDE)


@dataclass(frozen=True)
class Built:
    """What a registered network is for given data.

    ``identity``: the SHA-256 of the configuration of what is built, of the shapes of its weights,
    and of the weights that no seed decides. ``structure``: that of configuration and shapes alone.
    ``vocabulary_size`` and ``classes``: what it was built for to be identified. ``roles``: its
    embedding and head. ``held``: tensors that are held dense. ``padding``: a line where padding
    changes scores, with the mend; else empty. ``module``: where the network was registered.
    ``fixed``: prunable tensors that are the same for every seed; ``varies``: whether any is not;
    ``partly``: how many rows the function sets of others, in words. ``tensors``: the names of all
    that have a mask where biases have one. ``flows``: whether flow goes through each layer, which
    is asked when it is wanted of networks that were identified before it was noted here.
    """

    identity: str
    structure: str = _beside("")
    vocabulary_size: int = _beside(0)
    classes: int = _beside(0)
    roles: Roles = field(default=_NO_ROLES, compare=False, metadata=BESIDE)
    held: tuple[str, ...] = _beside(())
    padding: str = _beside("")
    module: str = _beside("")
    fixed: tuple[str, ...] = _beside(())
    varies: bool = _beside(True)
    partly: tuple[str, ...] = _beside(())
    tensors: tuple[str, ...] = _beside(())
    flows: bool = _beside(True)

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Built:
        """The value that ``dataclasses.asdict`` made the table of.

        Raises:
            UserError: the table is none.
        """
        if not isinstance(table, Mapping) or not isinstance(table.get("roles"), Mapping):
            raise UserError("model.built is no record of what a network is.")
        roles = from_table(Roles, "model.built.roles", table["roles"])
        others = {key: value for key, value in table.items() if key != "roles"}
        return dataclasses.replace(from_table(cls, "model.built", others), roles=roles)
