"""The portable ticket: one folder that holds a subnetwork and all that it takes to use it.

::

    ticket.json       what it is, how it was found and judged, what made it; sealed
    masks.npz         one bit a weight
    rewind.npz        the weights to begin from, those under the mask too
    final.npz         the weights after training
    vocabulary.txt    the word of each embedding row
    network.json      the configuration of a network that somebody registered
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tflottery import plugins, startup
from tflottery.data.words.vocabulary import Vocabulary
from tflottery.errors import DamagedFileError, UserError
from tflottery.files import (
    Arrays,
    check_file,
    new_folder,
    read_arrays,
    read_sealed,
    require_writable,
    seal,
    sha256_of_file,
    write_arrays,
)
from tflottery.models.architecture import Architecture, Initializers
from tflottery.models.biases import is_bias
from tflottery.models.brought.registered import Registered, Unavailable, origin_of
from tflottery.plugins import Plugins
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.masks import Count, Masks
from tflottery.runs.recipes import Recipe, recipe_from_tables, recipe_to_tables
from tflottery.settings import from_table, place
from tflottery.tickets import trained_on
from tflottery.tickets.checked import require_fitting, require_sound
from tflottery.tickets.plan import AUTO, PruningSettings
from tflottery.tickets.rule import Rule, rule_from
from tflottery.tickets.verdict import RECOMMENDED
from tflottery.versions import versions

if TYPE_CHECKING:
    import tf_keras as keras

FORMAT_VERSION = 2
# 1 had no intervals: its verdict was by validation accuracy alone.
_READABLE = (1, 2)
_BY_FORMER_RULES = " (by validation accuracy alone, without intervals)"
_DOCUMENT = "ticket.json"
_MASKS, _REWIND, _FINAL, _VOCABULARY = "masks.npz", "rewind.npz", "final.npz", "vocabulary.txt"
_NETWORK = "network.json"
_FILES = (_MASKS, _REWIND, _FINAL, _VOCABULARY, _NETWORK)


@dataclass(frozen=True, repr=False)
class Ticket:
    """A ticket on disk; arrays are read, and checked, when asked for."""

    folder: Path
    about: dict[str, Any]
    """``ticket.json``; accuracies and sparsities are fractions."""

    @cached_property
    def recipe(self) -> Recipe:
        """Data, architecture and training that the ticket was found with."""
        return recipe_from_tables(self.about["recipe"])

    @cached_property
    def architecture(self) -> Architecture:
        """What builds the ticket's network. That of a network which somebody registered is the
        configuration that the ticket keeps, and needs nobody's code; where it holds code, it is the
        registered function. Imports TensorFlow for such networks.

        Raises:
            UserError: the network has code of its own, and is not registered here.
        """
        model = self.recipe.model
        if not isinstance(model, Registered):
            return model
        startup.start_tensorflow()
        from tflottery.models.brought.kept import Rebuilt, RefusedError, require_plain

        kept = self._network
        try:
            require_plain(kept)
        except RefusedError as refused:
            if isinstance(model, Unavailable):
                raise UserError(f"In the ticket {self.folder} {refused} {model.why}") from None
            return model
        return Rebuilt(model.name, kept, model.roles())  # type: ignore[return-value]

    @property
    def _network(self) -> dict[str, Any]:
        check_file(self.folder / _NETWORK, self.about["files"].get(_NETWORK, ""))
        document = read_sealed(self.folder / _NETWORK, what="network", format_version=1)
        network: dict[str, Any] = document["network"]
        return network

    @cached_property
    def pruning(self) -> PruningSettings:
        """How the ticket was looked for; its sparsity is the goal, not what was reached."""
        names = {item.name for item in dataclasses.fields(PruningSettings)} & set(self.about)
        table = {name: self.about[name] for name in names}
        goal = self.about.get("goal", AUTO)
        return from_table(PruningSettings, "pruning", {**table, "sparsity": goal})

    @property
    def rule(self) -> Rule | None:
        """What set the learning rates of its networks, if a rule did."""
        document = self.about.get("learning_rate_rule")
        return rule_from(document, self.folder / _DOCUMENT) if document else None

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names by label."""
        return tuple(self.about["classes"])

    @property
    def verdict(self) -> str:
        """What was found, and by which rules where they were those of before."""
        return f"{self.about['verdict']}{_BY_FORMER_RULES if self._is_former else ''}"

    @property
    def sentence(self) -> str:
        """The verdict with what it rests on; for a ticket of before the verdict alone."""
        return str(self.about.get("sentence") or f"{self.verdict.capitalize()}.")

    @property
    def reservation(self) -> str:
        """What is to be known before the ticket is used; empty where it is shown to match."""
        if self._is_former:
            return (
                f"The ticket's verdict is {self.verdict}; find_ticket with the same settings and "
                "--store judges it anew, and trains nothing (of data that no configuration is "
                "for, they were those of --config defaults)."
            )
        if self.about["verdict"] in RECOMMENDED:
            return ""
        return f"The ticket is not shown to match its dense network. {self.sentence}"

    @property
    def _is_former(self) -> bool:
        return bool(self.about.get("format_version") == 1)

    @cached_property
    def masks(self) -> Masks:
        """bool arrays by tensor name, true where a weight is kept."""
        shapes = {name: tuple(shape) for name, shape in self.about["prunable"].items()}
        return mask_ops.unpack(self._arrays(_MASKS), shapes)

    @cached_property
    def rewind_weights(self) -> Arrays:
        """float32 arrays by tensor name: where training begins, before the mask."""
        return self._weights(_REWIND)

    @cached_property
    def final_weights(self) -> Arrays:
        """float32 arrays by tensor name: after training, pruned weights zero.

        Raises:
            UserError: the ticket came without them.
        """
        if _FINAL not in self.about["files"]:
            raise UserError(f"The ticket {self.folder} has no trained weights ({_FINAL}).")
        return self._weights(_FINAL)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        check_file(self.folder / _VOCABULARY, self.about["files"][_VOCABULARY])
        return Vocabulary.from_file(self.folder / _VOCABULARY)

    def _weights(self, name: str) -> Arrays:
        return require_fitting(self.folder, self._arrays(name), self.about["prunable"])

    def _arrays(self, name: str) -> Arrays:
        return read_arrays(self.folder / name, self.about["files"][name])

    def require_trained(self) -> None:
        """Makes sure that there are trained weights.

        Raises:
            UserError: there are none, or they are damaged.
        """
        self.final_weights  # noqa: B018 - is read, and raises

    def save(self, folder: str | Path) -> Ticket:
        """Writes a copy of the ticket; one that is there is replaced.

        Args:
            folder: the copy itself; its parents are made where needed.

        Raises:
            UserError: the folder cannot be written, or holds something else than a ticket.
            DamagedFileError: a file of this ticket is damaged.
        """
        where = place("folder", folder)
        _require_free(where)
        require_writable(where, "folder")
        for name, checksum in self.about["files"].items():
            check_file(self.folder / name, checksum)
        if where.absolute() != self.folder.absolute():
            with new_folder(where) as staging:
                for name in (_DOCUMENT, *self.about["files"]):
                    shutil.copyfile(self.folder / name, staging / name)
        return load_ticket(where)

    def save_as(self, model: keras.Model, folder: str | Path) -> Ticket:
        """Writes a ticket of the same mask with a model's weights as its trained ones.

        Verdict and accuracies are left out, since they were measured on other weights; how the mask
        was found, and the weights to begin from, are this ticket's.

        Args:
            model: what ``build`` gave, trained on; its weights under the mask are zero.
            folder: where the ticket goes; one that is there is replaced.

        Raises:
            UserError: the model's network is another, or it has weights that the ticket prunes; or
                the folder cannot be written, or holds something else than a ticket.
        """
        where = place("folder", folder)
        _require_free(where)
        require_writable(where, "folder")
        trained_on.require_model(model)
        weights = trained_on.weights_of(self, model)
        return write_ticket(
            where, trained_on.about_of(self), self.recipe, self.classes, self.vocabulary,
            self.masks, self.rewind_weights, weights,
        )  # fmt: skip

    def __repr__(self) -> str:
        about = self.about
        return (
            f"<Ticket: {self.verdict} of a {about['model']} on {about['dataset']}, "
            f"{100 * about['sparsity']:.1f} % pruned, {self.folder}>"
        )

    def encode(self, texts: Iterable[str | bytes]) -> list[list[int]]:
        """The ids of raw texts, as the ticket was trained on: words, cut and vocabulary."""
        if isinstance(texts, (str, bytes)):
            raise UserError("encode takes several texts; put one in a list.")
        data = self.recipe.data
        return self.vocabulary.encode(texts, data.max_length, data.wording)

    def build(self, weights: str = "rewind") -> keras.Model:
        """An uncompiled Keras model, ids int32 [batch, words] → logits, pruned and masked.

        Compile it and ``fit`` as any model: pruned weights stay exactly zero, also after
        ``model.save`` and ``keras.models.load_model``.

        Args:
            weights: ``rewind`` (where training begins) or ``final`` (trained).
        """
        startup.start_tensorflow()
        from tflottery.pruning.masked_model import masked_model

        if weights not in ("rewind", "final"):
            raise ValueError(f"weights is 'rewind' or 'final', not {weights!r}")
        chosen = self.rewind_weights if weights == "rewind" else self.final_weights
        network = self.architecture
        plain = network.build(len(self.vocabulary), len(self.classes), Initializers(0))
        masked = masked_model(plain, biases=any(map(is_bias, self.masks)))
        try:
            masked.load(self.masks, chosen)
        except ValueError as error:
            raise DamagedFileError(f"The ticket {self.folder} is damaged: {error}.") from None
        return masked.strip()


def load_ticket(path: str | Path, *, plugin: Plugins = ()) -> Ticket:
    """Opens a ticket and checks every file of it.

    >>> import tflottery as tfl
    >>> ticket = tfl.load_ticket("tickets/mine")    # doctest: +SKIP
    >>> ticket.build().summary()                    # doctest: +SKIP

    Args:
        path: the ticket's folder.
        plugin: modules by name, or files, that register what the ticket is made of.

    Raises:
        UserError: there is no ticket, it has another format version, or it is damaged.
    """
    plugins.load(plugin)
    folder = place("ticket", path)
    about = read_sealed(folder / _DOCUMENT, what="ticket", format_version=_READABLE)
    require_sound(folder, about, _FILES)
    return Ticket(folder, about)


def _require_free(folder: Path) -> None:
    """Makes sure that a ticket can take a folder's place, and that nothing else is lost by that.

    Raises:
        UserError: the folder holds something else than a ticket, or lies within one.
    """
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if there - {_DOCUMENT, *_FILES}:
        raise UserError(f"{folder} is a folder of other things; move them, or give a new one.")
    if any((parent / _DOCUMENT).is_file() for parent in folder.absolute().parents):
        raise UserError(f"{folder} lies within a ticket; give a folder outside of it.")


def write_ticket(
    folder: Path,
    about: Mapping[str, Any],
    recipe: Recipe,
    classes: tuple[str, ...],
    vocabulary: Vocabulary,
    masks: Masks,
    rewind_weights: Mapping[str, np.ndarray],
    final_weights: Mapping[str, np.ndarray],
) -> Ticket:
    """Writes a ticket; one that is there is replaced.

    Args:
        folder: where it goes; its parent is made where needed.
        about: how it was found and judged; this adds what the arrays say.
        recipe, classes, vocabulary: what it was trained on.
        masks, rewind_weights, final_weights: as in ``Ticket``.
    """
    _require_free(folder)
    with new_folder(folder) as staging:
        (staging / _VOCABULARY).write_text(vocabulary.to_text(), encoding="utf-8", newline="\n")
        files = {
            _MASKS: write_arrays(staging / _MASKS, mask_ops.pack(masks)),
            _REWIND: write_arrays(staging / _REWIND, rewind_weights),
            _FINAL: write_arrays(staging / _FINAL, final_weights),
            _VOCABULARY: sha256_of_file(staging / _VOCABULARY),
        }
        if isinstance(recipe.model, Registered):
            network = _network_document(recipe.model, len(vocabulary), len(classes))
            (staging / _NETWORK).write_text(network, encoding="utf-8")
            files[_NETWORK] = sha256_of_file(staging / _NETWORK)
        counted, embedding = mask_ops.count(masks), recipe.model.roles().embedding
        payload = {
            "format_version": FORMAT_VERSION,
            **about,
            **origin_of(recipe.model),
            "sparsity": counted.sparsity,
            "remaining_weights": counted.remaining,
            "prunable_weights": counted.total,
            "sparsity_without_embedding": mask_ops.count(masks, without=embedding).sparsity,
            "per_layer": _per_layer(masks, recipe.model),
            "classes": list(classes),
            "recipe": recipe_to_tables(recipe),
            "prunable": {name: list(mask.shape) for name, mask in masks.items()},
            "versions": versions(),
            "files": files,
        }
        (staging / _DOCUMENT).write_text(seal(payload), encoding="utf-8")
    return load_ticket(folder)


def _network_document(model: Registered, words: int, classes: int) -> str:
    """What ``network.json`` holds: the configuration of the network that was trained."""
    startup.start_tensorflow()
    from tflottery.models.brought.canonical import configuration
    from tflottery.models.brought.kept import portable

    built = model.build(words, classes, Initializers(0))
    return seal({"format_version": 1, "network": portable(configuration(built))})


def _per_layer(masks: Masks, architecture: Architecture) -> dict[str, Any]:
    report: dict[str, Any] = {}
    for name, mask in masks.items():
        report[name] = _counted(mask)
        gates = architecture.gates(name)
        if gates:
            parts = np.split(mask, len(gates), axis=-1)
            report[name]["gates"] = {
                gate: _counted(part) for gate, part in zip(gates, parts, strict=True)
            }
    return report


def _counted(mask: np.ndarray) -> dict[str, Any]:
    counted = Count(int(mask.sum()), mask.size)
    return {
        "remaining": counted.remaining,
        "total": counted.total,
        "sparsity": counted.sparsity,
    }
