"""Networks that somebody registered: how they are built and checked, how other processes get them,
and what stands for them where nobody registered them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from tflottery import plugins
from tflottery.errors import OF_OTHERS, UserError, in_a_line
from tflottery.models.architecture import Architecture, Initializers
from tflottery.models.brought.built import BESIDE, Built
from tflottery.models.registry import ARCHITECTURES
from tflottery.models.roles import Roles
from tflottery.models.units import Units
from tflottery.registry import of_file
from tflottery.settings import from_table

if TYPE_CHECKING:
    import numpy as np
    import tf_keras as keras

T = TypeVar("T")

# Fields that no configuration holds.
COMPUTED = ("built",)


class Registered:
    """What the architectures have in common that somebody registered.

    Subclasses are frozen dataclasses with a field for each keyword, and ``built``. An instance
    without ``built`` has sizes, and neither roles nor a key.
    """

    name: ClassVar[str]
    module: ClassVar[str]
    made: ClassVar[Callable[..., Any]]
    """The function; or the ``build`` of the dataclass."""
    built: Built | None

    @property
    def dropout(self) -> float:
        """0 where no keyword is called so."""
        return 0.0

    @property
    def flows(self) -> bool:
        """Whether flow goes through every layer; whoever is not identified yet is not refused."""
        return self.built is None or self.built.flows

    def plain(self, vocabulary_size: int, classes: int, seed: int) -> keras.Model:
        """What the function builds, whatever it was identified as; ``build`` makes sure.

        Raises:
            UserError: the function failed, or built what cannot be trained here.
        """
        from tflottery.models.brought.building import build_plain

        return self._built(build_plain, vocabulary_size, classes, seed)

    def with_assigned(
        self, vocabulary_size: int, classes: int, seed: int
    ) -> tuple[keras.Model, list[np.ndarray]]:
        """What ``plain`` gives, and which weights the function set itself: see
        ``building.build_with_assigned``."""
        from tflottery.models.brought.building import build_with_assigned

        return self._built(build_with_assigned, vocabulary_size, classes, seed)

    def _built(self, builder: Callable[..., T], vocabulary_size: int, classes: int, seed: int) -> T:
        try:
            return builder(
                lambda: self._call(vocabulary_size, classes, seed),
                seed,
                vocabulary_size=vocabulary_size,
                classes=classes,
            )
        except UserError as error:
            named = str(error).replace("This network", f"The network {self.name}", 1)
            raise UserError(named) from error
        except OF_OTHERS as error:
            said = in_a_line(error, of_file(type(self).made))
            raise UserError(f"The network {self.name} cannot be built: {said}.") from error

    def _call(self, vocabulary_size: int, classes: int, seed: int) -> keras.Model:
        del seed
        sizes = {name: getattr(self, name) for name in _sizes(type(self))}
        made: keras.Model = type(self).made(vocabulary_size, classes, **sizes)
        return made

    def build(self, vocabulary_size: int, classes: int, initializers: Initializers) -> keras.Model:
        """See ``Architecture.build``.

        Raises:
            UserError: as ``plain``; or the function builds another network than was identified.
        """
        self._require_same()
        return self.plain(vocabulary_size, classes, initializers.seed)

    def _require_same(self) -> None:
        built = self.built
        if built is None or self in _VERIFIED:
            return
        from tflottery.models.brought.identity import told

        build = partial(self.with_assigned, built.vocabulary_size, built.classes)
        if told(self.name, build).identity != built.identity:
            shown = plugins.published(self.module)
            raise UserError(
                f"The network {self.name} of {shown} is not built as it was when it was "
                "identified: it was edited since, or builds something else here."
            )
        trust(self)

    def roles(self) -> Roles:
        """See ``Architecture.roles``.

        Raises:
            ValueError: it is not known yet what is built.
        """
        if self.built is None:
            raise ValueError(f"the network {self.name} is not identified: see identify_network")
        return self.built.roles

    def gates(self, tensor: str) -> tuple[str, ...]:
        """No names: a function says nothing of gates."""
        del tensor
        return ()

    def unit_layers(self) -> tuple[Units, ...]:
        """None: a function says nothing of units."""
        return ()

    def table(self) -> dict[str, Any]:
        """Its keys of ``[model]``, and what is built; ``from_tables`` gives the network back."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]

    def __reduce__(self) -> tuple[Any, ...]:
        values = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}  # type: ignore[arg-type]
        return _revive, (self.name, self.module, values)

    def __deepcopy__(self, memo: object) -> Registered:
        return self


# Networks whose function is known to build what they were identified as, in this process.
_VERIFIED: set[Registered] = set()


def trust(model: Registered) -> None:
    """Notes that a network's function builds what ``built`` says, so that this is not tried again
    in this process."""
    _VERIFIED.add(model)


@dataclass(frozen=True)
class Unavailable(Registered):
    """A registered network that cannot be built here: a ticket's, where nobody registered it.

    It has the same key as where it was found. ``sizes``: its keys of ``[model]``. ``why``: a
    sentence on what is missing.
    """

    name: str = field(metadata=BESIDE)  # type: ignore[misc]
    sizes: tuple[tuple[str, Any], ...] = field(metadata=BESIDE)
    why: str = field(metadata=BESIDE)
    built: Built

    @property
    def module(self) -> str:  # type: ignore[override]
        """Where it was registered."""
        return self.built.module

    def plain(self, vocabulary_size: int, classes: int, seed: int) -> keras.Model:
        """
        Raises:
            UserError: always; the line says what is missing.
        """
        del vocabulary_size, classes, seed
        raise UserError(self.why)

    def build(self, vocabulary_size: int, classes: int, initializers: Initializers) -> keras.Model:
        """
        Raises:
            UserError: as ``plain``.
        """
        return self.plain(vocabulary_size, classes, initializers.seed)

    def table(self) -> dict[str, Any]:
        return {**dict(self.sizes), "built": dataclasses.asdict(self.built)}

    def __reduce__(self) -> tuple[Any, ...]:
        return Unavailable, (self.name, self.sizes, self.why, self.built)


def origin_of(model: Architecture) -> dict[str, Any]:
    """What records say of a registered network beside its key: where it was registered, and what is
    to be known of it. Empty for networks of this package."""
    built = getattr(model, "built", None)
    if built is None:
        return {}
    told = {"name": model.name, "module": plugins.published(built.module)}
    return {"network": {**told, "held_dense": list(built.held), "padding": built.padding}}


def not_registered(name: str, module: str) -> str:
    """A sentence on a network that nobody registered in this process, and on what registers it."""
    if module in ("", "__main__"):
        return (
            f"The network {name} is not registered here: it came from a notebook or a script; "
            "register its function again, from a module where workers need it."
        )
    module = plugins.published(module)
    return (
        f"The network {name} is not registered here: it came from {module}; give --plugin {module} "
        f"(plugin={module!r} in Python)."
    )


def _revive(name: str, module: str, values: Mapping[str, Any]) -> Registered:
    """A network in another process, whose module is imported if nothing of the name is there.

    Raises:
        UserError: the module cannot be loaded, or registers no such network.
    """
    has_module = module not in ("", "__main__")
    if name not in ARCHITECTURES and has_module:
        plugins.load([module], installed=False)
    kind = ARCHITECTURES.get(name)
    if kind is None or not issubclass(kind, Registered):
        if not has_module:
            raise UserError(not_registered(name, module))
        # Whoever sent it gave the plugin; it was edited since, or does otherwise here.
        raise UserError(
            f"The network {name} came from {plugins.published(module)}, which does not register it "
            "here; let it register the same wherever it is loaded."
        )
    try:
        return kind(**values)
    except TypeError as error:
        shown = plugins.published(module)
        raise UserError(f"The network {name} of {shown} was edited: {error}.") from None


def from_tables(name: str, table: Mapping[str, Any]) -> Registered:
    """The network that ``table`` was called for, with what was built then. Where its function is
    missing here, or takes other keywords, it cannot be built but has its key.

    Raises:
        UserError: the record of what was built is none.
    """
    built = Built.from_table(table["built"])
    sizes = {key: value for key, value in table.items() if key != "built"}
    kind = ARCHITECTURES.get(name)
    if kind is not None and issubclass(kind, Registered):
        try:
            known = from_table(kind, "model", sizes, computed=COMPUTED)
            return dataclasses.replace(known, built=built)  # type: ignore[type-var]
        except UserError as error:
            shown = plugins.published(built.module)
            why = f"The network {name} of {shown} was edited since: {error}"
    else:
        why = not_registered(name, built.module)
    frozen = tuple((key, _frozen(value)) for key, value in sizes.items())
    return Unavailable(name, frozen, why, built)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value


def _sizes(kind: type[Any]) -> list[str]:
    return [item.name for item in dataclasses.fields(kind) if item.name not in COMPUTED]
