"""What a study holds: the keys of ``[study]``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tflottery import steps
from tflottery.errors import UserError, suggest
from tflottery.experiments.levels import check_levels
from tflottery.pruning import criteria
from tflottery.settings import check_bounds
from tflottery.tickets.methods import MethodName
from tflottery.tickets.settings import parse_init, present_name

FEWEST_VALIDATIONS = 20
_BOUNDS = {
    "dense_again": (0, 10_000), "more_dense": (0, 10_000), "convergence_validations": (0, 1_000_000)
}  # fmt: skip
CONTROLS = ("random", "shuffled", "signs", "head", "gradual", "stretched")
CHECKS = ("shuffled", "shuffled_words", "reinit", "inverted")


@dataclass(frozen=True)
class StudySettings:
    """What a study holds. Sparsities are fractions of all prunable weights.

    ``levels`` x ``inits`` is the grid for iterative pruning, ``one_shot_levels`` (empty: the same
    levels) for one-shot. ``controls``: levels of the controls that ``control_kinds`` names: a
    random mask, the mask shuffled, signs alone, the head treated the other way, gradual pruning,
    dense with a stretched schedule. ``rewind_points`` are swept at ``rewind_levels``. From each of
    ``instability_points`` two data orders are trained and joined by a line. ``early_bird_points``
    are the moments of the dense training whose masks are compared. ``note`` is for the reader.

    ``more_dense``: how many seeds after the last one have their dense network, and nothing else:
    what differs most by seed is dense, so its mean gains most by them. ``dense_again``: how many
    more dense networks a seed has, each of its own chance.
    ``matched_lengths``: by how many epochs the training of a ticket from its original weights is
    longer, ``1ep``, at the levels of the grid. ``word_masks``: whether ``controls`` have the masks
    that are permuted within words. ``gradual_ramp``: the fraction of its training over which
    gradual pruning of the trained dense network grows, at ``controls``; 0 leaves it out. ``ramps``
    are swept at ``ramp_levels``. ``convergence_validations``: how often the trainings at
    ``controls`` that tell the speed of convergence are validated; 0 leaves them out.

    ``criteria`` are compared at ``criteria_levels`` (empty: ``levels``): before training where a
    criterion needs none, else one-shot after it, those of ``criteria_in_rounds`` iteratively too.
    ``criteria_checks`` are made of those of ``criteria_checked`` (empty: of all), at
    ``criteria_check_levels`` (empty: all levels): the mask shuffled within tensors, shuffled
    within words, with new weights, by inverted scores. There those of ``criteria_longer``, which
    prune before training, are trained for as many epochs as the iterative ticket took in all.
    """

    levels: tuple[float, ...] = (0.36, 0.59, 0.738, 0.832, 0.972)
    one_shot_levels: tuple[float, ...] = ()
    inits: tuple[str, ...] = ("random", "original", "rewind:1ep", "rewind:end")
    controls: tuple[float, ...] = ()
    control_kinds: tuple[str, ...] = CONTROLS
    rewind_levels: tuple[float, ...] = ()
    rewind_points: tuple[str, ...] = ("0ep", "100it", "500it", "1ep", "2ep", "end")
    instability_points: tuple[str, ...] = ()
    early_bird_points: tuple[str, ...] = ()
    note: str = ""
    dense_again: int = 0
    matched_lengths: tuple[str, ...] = ()
    word_masks: bool = False
    gradual_ramp: float = 0.0
    ramp_levels: tuple[float, ...] = ()
    ramps: tuple[float, ...] = (0.25, 0.5, 0.75, 0.9)
    convergence_validations: int = 0
    more_dense: int = 0
    criteria: tuple[str, ...] = ()
    criteria_levels: tuple[float, ...] = ()
    criteria_in_rounds: tuple[str, ...] = ()
    criteria_checks: tuple[str, ...] = CHECKS
    criteria_checked: tuple[str, ...] = ()
    criteria_check_levels: tuple[float, ...] = ()
    criteria_longer: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for key in (
            "levels", "one_shot_levels", "controls", "rewind_levels", "ramp_levels",
            "criteria_levels", "criteria_check_levels",
        ):  # fmt: skip
            check_levels(f"study.{key}", getattr(self, key))
            _require_each_once(key, getattr(self, key))
        if not self.levels:
            raise UserError("study.levels is empty; name at least one sparsity.")
        inits = [present_name(parse_init(init)) for init in self.inits]
        _require_each_once("inits", inits)
        for key in ("rewind_points", "instability_points", "early_bird_points"):
            _require_each_once(key, map(steps.parse, getattr(self, key)))
        if steps.END in self.early_bird_points:
            raise UserError(
                "study.early_bird_points holds 'end', which is the best moment and not a certain "
                "one; write epochs or steps, as 3ep."
            )
        self._check_controls()
        self._check_criteria()

    def _check_controls(self) -> None:
        _require_each_once("control_kinds", self.control_kinds)
        for kind in self.control_kinds:
            if kind not in CONTROLS:
                raise UserError(f"study.control_kinds holds {kind!r}. {suggest(kind, CONTROLS)}")
        _require_each_once("matched_lengths", [f"{number}ep" for number in self.longer_by])
        _require_each_once("ramps", self.ramps)
        check_bounds(self, "study", _BOUNDS)
        if not 0 <= self.gradual_ramp <= 1 or not all(0 < ramp <= 1 for ramp in self.ramps):
            raise UserError(
                "study.gradual_ramp and study.ramps are fractions of a training, up to 1; "
                "a gradual_ramp of 0 leaves it out."
            )
        if self.convergence_validations and self.convergence_validations < FEWEST_VALIDATIONS:
            raise UserError(
                f"study.convergence_validations is 0 or at least {FEWEST_VALIDATIONS}; fewer do "
                "not tell when a training reaches an accuracy."
            )

    def _check_criteria(self) -> None:
        for key, known in (("criteria", criteria.CRITERIA), ("criteria_checks", CHECKS)):
            _require_each_once(key, getattr(self, key))
            for name in getattr(self, key):
                if name not in known:
                    raise UserError(f"study.{key} holds {name!r}. {suggest(name, known)}")
        whole = [name for name in self.criteria if criteria.scores_units(name)]
        if single := [name for name in self.criteria if whole and name not in whole]:
            raise UserError(
                f"study.criteria holds {whole[0]}, which prunes whole units, and {single[0]}, "
                "which prunes single weights; compare them in studies of their own."
            )
        for key in ("criteria_in_rounds", "criteria_checked", "criteria_longer"):
            _require_each_once(key, getattr(self, key))
            for name in getattr(self, key):
                if name not in self.criteria:
                    raise UserError(
                        f"study.{key} holds {name!r}, which study.criteria does not; name it there."
                    )
                self._check_moment(key, name)
        if odd := [one for one in self.criteria_check_levels if one not in self.compared_levels]:
            raise UserError(
                f"study.criteria_check_levels holds {odd[0]:g}, at which criteria are not compared."
            )

    def _check_moment(self, key: str, name: str) -> None:
        """Whether rounds, or a longer training, make sense for a criterion."""
        is_at_init = criteria.needs_no_training(name)
        if key == "criteria_in_rounds" and is_at_init:
            raise UserError(
                f"study.{key} holds {name}, which reads nothing of a training; rounds of it "
                "would be trained for nothing."
            )
        if key == "criteria_longer" and not is_at_init:
            raise UserError(
                f"study.{key} holds {name}, which prunes after a training; those that prune "
                "before it are trained longer."
            )

    @property
    def of_units(self) -> bool:
        """Whether the criteria that are compared prune whole units."""
        return any(map(criteria.scores_units, self.criteria))

    @property
    def compared_levels(self) -> tuple[float, ...]:
        """The levels at which criteria are compared."""
        return self.criteria_levels or self.levels

    @property
    def longer_by(self) -> list[int]:
        """``matched_lengths`` in epochs.

        Raises:
            UserError: one of them is no whole number of epochs.
        """
        lengths = [steps.parse(text) for text in self.matched_lengths]
        for length in lengths:
            if not length.endswith("ep") or length == steps.BEGINNING:
                raise UserError(
                    f"study.matched_lengths holds {length!r}; write whole epochs, as 1ep."
                )
        return [int(length.removesuffix("ep")) for length in lengths]

    def levels_of(self, method: MethodName) -> tuple[float, ...]:
        """The levels of the grid for a method."""
        return (self.one_shot_levels or self.levels) if method == "one_shot" else self.levels


def _require_each_once(key: str, values: Iterable[float | str]) -> None:
    known = set()
    for value in values:
        if value in known:
            raise UserError(f"study.{key} holds {value} twice; name it once.")
        known.add(value)
