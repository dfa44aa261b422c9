"""Networks of one's own: a function that builds a plain Keras model becomes an architecture.

Its keywords become the keys of ``[model]`` and of ``--set``. What it builds for given data stands
in ``Built``, whose identity is all that a key says of such a network: an edited function is another
network. ``runs.identifying`` fills it in.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from tflottery import plugins
from tflottery.errors import OF_OTHERS, UserError, in_a_line
from tflottery.models.architecture import Architecture, Initializers
from tflottery.models.registry import ARCHITECTURES
from tflottery.models.roles import Roles
from tflottery.models.units import Units
from tflottery.registry import loading, of_file, origin
from tflottery.settings import argument, from_table, in_words

if TYPE_CHECKING:
    import numpy as np
    import tf_keras as keras

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

# Not a part of keys: the identity says all that they lead to.
_BESIDE = {"key": False}
# What a keyword must not be called: it would hide what every architecture has.
_RESERVED = frozenset(
    "name built module made build plain with_assigned roles gates unit_layers notes table "
    "usable".split()
)
_NO_ROLES = Roles()
_PLAIN = (bool, int, float, str)


def _beside(default: Any) -> Any:
    return field(default=default, compare=False, metadata=_BESIDE)


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
    that have a mask where biases have one.
    """

    identity: str
    structure: str = _beside("")
    vocabulary_size: int = _beside(0)
    classes: int = _beside(0)
    roles: Roles = field(default=_NO_ROLES, compare=False, metadata=_BESIDE)
    held: tuple[str, ...] = _beside(())
    padding: str = _beside("")
    module: str = _beside("")
    fixed: tuple[str, ...] = _beside(())
    varies: bool = _beside(True)
    partly: tuple[str, ...] = _beside(())
    tensors: tuple[str, ...] = _beside(())

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

    name: str = field(metadata=_BESIDE)  # type: ignore[misc]
    sizes: tuple[tuple[str, Any], ...] = field(metadata=_BESIDE)
    why: str = field(metadata=_BESIDE)
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


# Fields that no configuration holds.
COMPUTED = ("built",)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value


def register_architecture(name: str) -> Callable[[F], F]:
    """Registers a function that builds a plain ``tf_keras`` model as an architecture.

    It is called as ``build(vocabulary_size, classes, **keywords)``: ids int32 [batch, words] go in
    (0 is padding), logits come out, one for two classes, else one a class. Each keyword has a
    default, a number, a text, True or False, or a tuple of such, and becomes a key of ``[model]``.

    >>> import tflottery as tfl
    >>> @tfl.register_architecture("bag")                           # doctest: +SKIP
    ... def build(vocabulary_size, classes, size=32):
    ...     ids = keras.Input([None], dtype="int32")
    ...     words = keras.layers.Embedding(vocabulary_size, size)(ids)
    ...     mean = keras.layers.GlobalAveragePooling1D()(words)
    ...     return keras.Model(ids, keras.layers.Dense(1 if classes == 2 else classes)(mean))
    >>> tfl.find_ticket("toy", model="bag", set={"model.size": 64})  # doctest: +SKIP

    A frozen dataclass with a method ``build(vocabulary_size, classes, initializers)`` is registered
    likewise; it may say more, as ``unit_layers`` (see ``tflottery.models.architecture``).
    Registering the same function again, as a notebook's cell does, replaces it.

    Args:
        name: what ``--model`` takes.

    Raises:
        UserError: another function has the name, or it is no name, or the function cannot be called
            so.
    """
    ARCHITECTURES.check_name(name)

    def register(function: F) -> F:
        if ARCHITECTURES.get(name) is function:
            return function  # one of this package, which is told by its sizes
        ARCHITECTURES.add(name, function, _kind(name, function))
        return function

    return register


def _kind(name: str, function: Any) -> type[Architecture]:
    """The dataclass of a function's keywords; of a dataclass, the same with what is built."""
    own = {
        "__module__": __name__,
        "name": name,
        "module": loading() or plugins.carried(origin(function)) or origin(function).module,
        "origin": function,
        "__doc__": function.__doc__ or "",
    }
    built = ("built", Built | None, field(default=None, repr=False))
    if not isinstance(function, type):
        fields = [
            (key, kind, field(default=default, metadata=_BESIDE))
            for key, kind, default in _keywords(name, function)
        ]
        own["made"] = staticmethod(function)
        bases: tuple[type, ...] = (Registered,)
    else:
        fields = [
            (item.name, kind, field(default=default, metadata=_BESIDE))
            for item, kind, default in _fields(name, function)
        ]
        own |= {
            "made": function.build,  # type: ignore[attr-defined]
            "build": Registered.build,
            "roles": Registered.roles,
            "_call": _call_method,
        }
        bases = (function, Registered)
    return dataclasses.make_dataclass(
        name, [*fields, built], bases=bases, namespace=own, frozen=True
    )


def _call_method(self: Registered, vocabulary_size: int, classes: int, seed: int) -> keras.Model:
    built: keras.Model = type(self).made(self, vocabulary_size, classes, Initializers(seed))
    return built


def _sizes(kind: type[Any]) -> list[str]:
    return [item.name for item in dataclasses.fields(kind) if item.name not in COMPUTED]


_FORM = "write it as build(vocabulary_size, classes, units=32)"


def _keywords(name: str, function: Any) -> Iterator[tuple[str, Any, Any]]:
    """(keyword, type, default) of a function.

    Raises:
        UserError: it cannot be called as it will be.
    """
    if not inspect.isfunction(function):
        raise UserError(
            f"The network {name!r} is {type(function).__name__}, and has to be a function: {_FORM}."
        )
    parameters = list(inspect.signature(function).parameters.values())
    first, others = parameters[:2], parameters[2:]
    simple = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if len(first) < 2 or any(
        one.kind not in simple or one.default is not inspect.Parameter.empty for one in first
    ):
        raise UserError(
            f"The function of the network {name!r} is called with the number of ids and of "
            f"classes: {_FORM}."
        )
    hints = _hints(function)
    for one in others:
        if one.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            stars = "*" if one.kind is inspect.Parameter.VAR_POSITIONAL else "**"
            raise UserError(
                f"The function of the network {name!r} takes {stars}{one.name}; name its keywords, "
                "each with a default."
            )
        if one.kind is inspect.Parameter.POSITIONAL_ONLY:
            raise UserError(
                f"{one.name} of the network {name!r} is positional-only, and is given by name."
            )
        if one.default is inspect.Parameter.empty:
            raise UserError(
                f"{one.name} of the network {name!r} has no default; give it one, as {one.name}=32."
            )
        yield _checked(name, one.name, hints.get(one.name), one.default)


def _fields(name: str, kind: type[Any]) -> Iterator[tuple[Any, Any, Any]]:
    if not dataclasses.is_dataclass(kind) or not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise UserError(
            f"The network {name!r} is the class {kind.__name__}; register a function or a frozen "
            "dataclass, @dataclass(frozen=True)."
        )
    if not callable(getattr(kind, "build", None)):
        raise UserError(
            f"The dataclass {kind.__name__} of the network {name!r} has no method "
            "build(vocabulary_size, classes, initializers)."
        )
    hints = _hints(kind)
    for item in dataclasses.fields(kind):
        default = item.default
        if default is dataclasses.MISSING and item.default_factory is not dataclasses.MISSING:
            default = item.default_factory()
        if default is dataclasses.MISSING:
            raise UserError(f"{item.name} of the network {name!r} has no default; give it one.")
        key, hint, value = _checked(name, item.name, hints.get(item.name), default)
        del key
        yield item, hint, value


def _hints(value: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(value)
    except Exception:
        return {}  # names that are not there at run time: the defaults say the types


def _checked(name: str, key: str, hint: Any, default: Any) -> tuple[str, Any, Any]:
    """A keyword with its type and default.

    Raises:
        UserError: its name is taken, its type is none that a configuration has, or its default is
            of another.
    """
    if key in _RESERVED or key.startswith("_"):
        raise UserError(
            f"A keyword of the network {name!r} is called {key!r}, which is taken; choose another "
            "name."
        )
    kind = hint if hint is not None and _is_supported(hint) else _type_of(default)
    if kind is None or (hint is not None and not _is_supported(hint) and hint is not Any):
        said = in_words(hint) if isinstance(hint, type) else type(default).__name__
        raise UserError(
            f"{key} of the network {name!r} is of type {said}; a keyword is an int, a float, a "
            "bool, a str, or a tuple of one of these."
        )
    try:
        return key, kind, argument(f"{key} of the network {name!r}", default, kind)
    except UserError as error:
        raise UserError(f"The default of {error}") from None


def _is_supported(kind: Any) -> bool:
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if kind in _PLAIN or kind is type(None):
        return True
    if origin is Literal:
        return all(isinstance(part, _PLAIN) for part in parts)
    if origin in (typing.Union, types.UnionType):
        return all(map(_is_supported, parts))
    return origin is tuple and len(parts) == 2 and parts[1] is ... and _is_supported(parts[0])


def _type_of(default: Any) -> Any:
    """The type that a default tells; None where it tells none that a configuration has."""
    if type(default) in _PLAIN:
        return type(default)
    if isinstance(default, tuple) and default:
        kinds = {type(one) for one in default}
        kind = float if kinds == {int, float} else kinds.pop() if len(kinds) == 1 else None
        if kind in _PLAIN:
            return tuple[kind, ...]  # type: ignore[valid-type]
    return None
