"""The portable ticket: a subnetwork and all that it takes to use it, read from one folder."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
)
from tflottery.models.architecture import Architecture, Initializers
from tflottery.models.biases import is_bias
from tflottery.models.brought.registered import Registered, Unavailable
from tflottery.plugins import Plugins
from tflottery.pruning import masks as mask_ops
from tflottery.pruning.masks import Masks
from tflottery.runs.recipes import Recipe, recipe_from_tables
from tflottery.settings import from_table, place
from tflottery.tickets import trained_on
from tflottery.tickets.checked import require_fitting, require_sound
from tflottery.tickets.folder import (
    DOCUMENT,
    FILES,
    FINAL,
    MASKS,
    NETWORK,
    READABLE,
    REWIND,
    VOCABULARY,
    require_free,
    write_ticket,
)
from tflottery.tickets.rule import Rule, rule_from
from tflottery.tickets.settings import AUTO, PruningSettings
from tflottery.tickets.verdict import RECOMMENDED

if TYPE_CHECKING:
    import tf_keras as keras

_BY_FORMER_RULES = " (by validation accuracy alone, without intervals)"


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
        check_file(self.folder / NETWORK, self.about["files"].get(NETWORK, ""))
        document = read_sealed(self.folder / NETWORK, what="network", format_version=1)
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
        return rule_from(document, self.folder / DOCUMENT) if document else None

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
        return mask_ops.unpack(self._arrays(MASKS), shapes)

    @cached_property
    def rewind_weights(self) -> Arrays:
        """float32 arrays by tensor name: where training begins, before the mask."""
        return self._weights(REWIND)

    @property
    def is_trained(self) -> bool:
        """Whether the ticket came with trained weights."""
        return FINAL in self.about["files"]

    @cached_property
    def final_weights(self) -> Arrays:
        """float32 arrays by tensor name: after training, pruned weights zero.

        Raises:
            UserError: the ticket came without them.
        """
        if not self.is_trained:
            raise UserError(f"The ticket {self.folder} has no trained weights ({FINAL}).")
        return self._weights(FINAL)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        check_file(self.folder / VOCABULARY, self.about["files"][VOCABULARY])
        return Vocabulary.from_file(self.folder / VOCABULARY)

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
        require_free(where)
        require_writable(where, "folder")
        for name, checksum in self.about["files"].items():
            check_file(self.folder / name, checksum)
        if where.absolute() != self.folder.absolute():
            with new_folder(where) as staging:
                for name in (DOCUMENT, *self.about["files"]):
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
        require_free(where)
        require_writable(where, "folder")
        trained_on.require_model(model)
        weights = trained_on.weights_of(model, self.folder, self.rewind_weights, self.masks)
        about = trained_on.about_of(self.about, self.verdict, self.sentence)
        written = write_ticket(
            where, about, self.recipe, self.classes, self.vocabulary,
            self.masks, self.rewind_weights, weights,
        )  # fmt: skip
        return load_ticket(written)

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
    about = read_sealed(folder / DOCUMENT, what="ticket", format_version=READABLE)
    require_sound(folder, about, FILES)
    return Ticket(folder, about)
