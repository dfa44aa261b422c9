"""``register_architecture``: a function that builds a plain Keras model becomes an architecture.

Its keywords become the keys of ``[model]`` and of ``--set``. What it builds for given data stands
in ``Built``, whose identity is all that a key says of such a network: an edited function is another
network. ``runs.identifying`` fills it in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING, Any, TypeVar

from tflottery import plugins
from tflottery.models.architecture import Architecture, Initializers
from tflottery.models.brought import keywords
from tflottery.models.brought.built import BESIDE, Built
from tflottery.models.brought.registered import Registered
from tflottery.models.registry import ARCHITECTURES
from tflottery.registry import loading, origin

if TYPE_CHECKING:
    import tf_keras as keras

F = TypeVar("F", bound=Callable[..., Any])


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
        if name in ARCHITECTURES and ARCHITECTURES[name] is function:
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
            (key, kind, field(default=default, metadata=BESIDE))
            for key, kind, default in keywords.of_function(name, function)
        ]
        own["made"] = staticmethod(function)
        bases: tuple[type, ...] = (Registered,)
    else:
        fields = [
            (item.name, kind, field(default=default, metadata=BESIDE))
            for item, kind, default in keywords.of_dataclass(name, function)
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
