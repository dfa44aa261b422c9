"""What a criterion may know of the run that it prunes: a ``PruningContext``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from tflottery import seeds
from tflottery.errors import TrainingError, UserError
from tflottery.files import Arrays
from tflottery.models.roles import Roles
from tflottery.models.units import Units
from tflottery.pruning.masks import Masks, apply

# How many batches a criterion sees unless it asks for another number. It is part of what the names
# of this package's criteria mean, so it never changes.
BATCHES = 16


class Activations(NamedTuple):
    """What the units of a layer give for the texts of a batch: float32 [texts, places, units].

    A layer that gives one vector a text has one place; else a place is a word, and padding has
    zeros. A unit that gives several numbers a word, as a head of attention, has a place for each of
    them. ``gradients`` are of the mean training loss of the batch.
    """

    values: np.ndarray
    gradients: np.ndarray


class Computed(Protocol):
    """What a network's own code has to compute of given weights, on the training data of one run.

    Dropout is off everywhere. ``batches`` counts from the first batch of the run's own order of its
    data; where an epoch has fewer, it is all of them. Weights are float32 arrays for every tensor;
    results are float64 arrays for every trained tensor.
    """

    def gradients(self, weights: Arrays, batches: int) -> Arrays:
        """The gradient of the mean training loss."""
        ...

    def hessian_product(self, weights: Arrays, vector: Arrays, batches: int) -> Arrays:
        """The Hessian of the mean training loss times a vector, by exact differentiation.

        Args:
            weights: where it is taken.
            vector: float arrays for some trained tensors; zeros for the others.
            batches: see above.
        """
        ...

    def curvature(self, weights: Arrays, batches: int) -> Arrays:
        """The diagonal of the Gauss-Newton matrix of the mean loss, which for these losses is the
        Fisher information: the mean over texts of the sum over classes c of p(c) times the squared
        gradient of log p(c)."""
        ...

    def flow(self, weights: Arrays) -> Arrays:
        """The gradient of the sum of all logits of one text, in which every word has, in place of
        its vector, the mean of all rows of the embedding.

        Raises:
            TrainingError: the network is not made of layers for which that has a meaning.
        """
        ...

    def activations(
        self, weights: Arrays, layers: Sequence[str], batches: int
    ) -> Iterator[dict[str, Activations]]:
        """What layers give, batch after batch, by layer."""
        ...


@dataclass(frozen=True)
class PruningContext:
    """The run that is pruned, as its criterion sees it. Weights and masks are read-only: writing to
    them is a ValueError, and what is pruned goes by masks of its own.

    Attributes:
        criterion: its name, for messages.
        weights: float32 arrays for every trainable tensor at the step that the criterion reads,
            with zeros where weights are pruned already.
        masks: bool arrays for every tensor that can be pruned: what is left so far.
        names: the tensors to score, sorted; those that are excluded from pruning are not among
            them.
        roles: the embedding and the head.
        units: the units of each layer; empty where the network does not tell them.
        costs: the microseconds that a unit of each layer takes in the whole network
            (``pruning.costs``); empty where none are given.
    """

    criterion: str
    weights: Arrays
    masks: Masks
    names: tuple[str, ...]
    roles: Roles = field(default_factory=Roles)
    units: tuple[Units, ...] = ()
    costs: Mapping[str, float] = field(default_factory=dict)
    _seed: int = 0
    _steps: Mapping[str, Callable[[], Arrays]] = field(default_factory=dict)
    _computed: Callable[[], Computed] | None = None
    _scales: Callable[[], Arrays] | None = None

    def __post_init__(self) -> None:
        # Copies, since a view can be made writable again, and masks decide what is revived.
        masks = {name: mask.copy() for name, mask in self.masks.items()}
        object.__setattr__(self, "masks", _read_only(masks))
        object.__setattr__(self, "weights", _read_only(self.weights))

    def weights_at(self, step: str) -> Arrays:
        """The weights at a step that the criterion declared, as ``weights``.

        Args:
            step: ``end``, of the run that is pruned; any other, as ``0ep``, of the training in
                which its weights were drawn, as a rule the dense network's.

        Raises:
            UserError: it declared no such step.
        """
        if step not in self._steps:
            declared = ", ".join(sorted(self._steps)) or "none"
            raise UserError(
                f"The criterion {self.criterion!r} asks for weights at {step!r} and declared "
                f'{declared}; write reads=("{step}",) where it is registered.'
            )
        return _read_only(apply(self.masks, self._steps[step]()))

    def random(self, name: str) -> np.random.Generator:
        """The random stream of a tensor or layer, from its beginning: the only randomness that a
        criterion may use."""
        return seeds.generator("criterion", self._seed, name)

    def gradients(self, batches: int = BATCHES) -> Arrays:
        """The gradient of the mean training loss at ``weights``, over the first batches of the
        run's own training data: float64 arrays for every trainable tensor.

        Pruned weights have a gradient too: that of the weight 0.

        Raises:
            TrainingError: it is not finite.
            UserError: there are no training data here.
        """
        found = self._asked().gradients(self.weights, _checked(batches))
        return self._finite(found, "gradient")

    def hessian_product(self, vector: Arrays, batches: int = BATCHES) -> Arrays:
        """The Hessian of the same loss times a vector: float64 arrays for every trainable tensor.

        Args:
            vector: float arrays by tensor; tensors that are left out count as zeros.
            batches: as in ``gradients``.

        Raises:
            TrainingError: as in ``gradients``, or the network has an op without a second
                derivative.
            UserError: as in ``gradients``.
        """
        found = self._asked().hessian_product(self.weights, vector, _checked(batches))
        return self._finite(found, "product of Hessian and gradient")

    def curvature(self, batches: int = BATCHES) -> Arrays:
        """The diagonal of the Gauss-Newton matrix (the Fisher information) of the same loss without
        penalties: float64 arrays, nowhere negative.

        Raises: as ``gradients``.
        """
        found = self._asked().curvature(self.weights, _checked(batches))
        return self._finite(found, "second derivative")

    def flow(self) -> Arrays:
        """The gradient of the sum of the logits at |weights| with biases of 0, for a text of
        nothing but the mean of all rows of the embedding: float64 arrays.

        No data are read. That mean is the embedding's output for an input of ones, over the number
        of words.

        Raises:
            TrainingError: the network has gates, attention or norms, or it is not finite.
            UserError: there are no training data here.
        """
        positive = {
            name: np.zeros_like(weight) if name.endswith("bias") else np.abs(weight)
            for name, weight in self.weights.items()
        }
        return self._finite(self._asked().flow(positive), "flow")

    def activations(self, batches: int = BATCHES) -> Iterator[dict[str, Activations]]:
        """What the layers of ``units`` give, batch after batch, and the gradients of the loss by
        it; of a layer whose units go through a ReLU, before it.

        Raises: as ``gradients``.
        """
        layers = [units.layer for units in self.units]
        for batch in self._asked().activations(self.weights, layers, _checked(batches)):
            for part in ("values", "gradients"):
                found = {name: getattr(one, part) for name, one in batch.items()}
                self._finite(found, "activation" if part == "values" else "gradient of the units")
            yield {
                units.layer: Activations(*(_by_unit(array, units) for array in batch[units.layer]))
                for units in self.units
            }

    def scales(self) -> Arrays:
        """The scales that were trained along with the weights (network slimming): float [units] by
        layer of ``units``, 0 or above; 1 for units that had none.

        Raises:
            UserError: the run was not trained with scales.
        """
        found = self._scales() if self._scales is not None else {}
        if not found:
            raise UserError(
                f"The criterion {self.criterion!r} reads scales of units, and the run that it "
                "prunes was trained without; write scales=True where it is registered, and prune "
                "a network that is trained for it."
            )
        return {one.layer: found.get(one.layer, np.ones(one.count)) for one in self.units}

    def _asked(self) -> Computed:
        if self._computed is None:
            raise UserError(
                f"The criterion {self.criterion!r} asks for gradients or activations, and there "
                "are no training data here; prune by a criterion that reads weights alone."
            )
        return self._computed()

    def _finite(self, arrays: Arrays, what: str) -> Arrays:
        # That of one run alone: with other weights or another seed the same settings may do.
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise TrainingError(
                    f"The criterion {self.criterion!r} cannot score {name}: its {what} is not "
                    "finite; prune by magnitude or, where that is of a training, lower "
                    "training.learning_rate."
                )
        return arrays


def _read_only(arrays: Mapping[str, np.ndarray]) -> Arrays:
    """The same arrays, as views that cannot be written to."""
    views = {name: array.view() for name, array in arrays.items()}
    for view in views.values():
        view.setflags(write=False)
    return views


def _checked(batches: int) -> int:
    if not isinstance(batches, int) or batches < 1:
        raise UserError(f"A criterion asks for at least one batch, not {batches!r}.")
    return batches


def _by_unit(array: np.ndarray, units: Units) -> np.ndarray:
    """[texts, places, units] of what a layer gives, [texts, places, numbers]."""
    apart = array.reshape(*array.shape[:2], units.count, units.width)
    return apart.swapaxes(2, 3).reshape(len(array), -1, units.count)
