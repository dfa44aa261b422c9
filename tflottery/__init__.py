"""tflottery finds, studies, transfers and ships lottery tickets in Keras text classifiers.

>>> import tflottery as tfl
>>> found = tfl.find_ticket("toy", sparsity=0.36)    # doctest: +SKIP
>>> found.verdict, found.rounds, found.ticket        # doctest: +SKIP

The package is silent on import, and nothing here loads TensorFlow until it is used. Networks are
``tf_keras`` models, not Keras 3.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from tflottery import interrupts

# Before all that takes time.
if interrupts.is_command():
    interrupts.leave_quietly()

from tflottery.arithmetic import switch_on_onednn
from tflottery.versions import __version__

# Both have to stand before TensorFlow is imported anywhere. TF-MOT works with tf_keras alone.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
switch_on_onednn()

if TYPE_CHECKING:
    from tflottery.data.look.inspection import Inspection
    from tflottery.data.reading.registered import register_source
    from tflottery.errors import DamagedFileError, TflotteryError, TrainingError, UserError
    from tflottery.experiments.claims.seeds_plan import SeedsPlan, plan_seeds
    from tflottery.experiments.driver import PlannedTrainings
    from tflottery.experiments.inspecting import inspect
    from tflottery.experiments.learning_rate.finished import TuningResult
    from tflottery.experiments.learning_rate.run import tune_learning_rate
    from tflottery.experiments.reports import write_report
    from tflottery.experiments.simulated import Simulated
    from tflottery.experiments.study.finished import StudyResult
    from tflottery.experiments.study.run import run_study
    from tflottery.experiments.ticket.planned import PlannedSearch
    from tflottery.experiments.ticket.result import FoundTicket
    from tflottery.experiments.ticket.run import find_ticket
    from tflottery.experiments.transfer.finished import TransferResult
    from tflottery.experiments.transfer.run import transfer
    from tflottery.exports.bundle import Bundle
    from tflottery.exports.client import Answer
    from tflottery.exports.export import export
    from tflottery.exports.fast.frontier import Frontier
    from tflottery.exports.fast.unit_costs import UnitCosts
    from tflottery.exports.formats.beside import Beside
    from tflottery.exports.results import BudgetNotMetError, Compared, Exported, PlannedBudget
    from tflottery.metrics import register_metric
    from tflottery.models.brought.registering import register_architecture
    from tflottery.pruning.criteria import register_criterion
    from tflottery.reasons.words import Explanation
    from tflottery.runs.run import Run
    from tflottery.runs.store import Store
    from tflottery.scoring.evaluate import evaluate
    from tflottery.scoring.evaluation import Evaluation
    from tflottery.scoring.explain import explain
    from tflottery.scoring.predict import predict
    from tflottery.scoring.score import score
    from tflottery.scoring.writing import Scored
    from tflottery.tickets.ticket import Ticket, load_ticket

# Where each public name lives; it is imported when it is first used.
_PLACES = {
    "Answer": "exports.client",
    "Beside": "exports.formats.beside",
    "BudgetNotMetError": "exports.results",
    "Bundle": "exports.bundle",
    "Compared": "exports.results",
    "DamagedFileError": "errors",
    "Evaluation": "scoring.evaluation",
    "Explanation": "reasons.words",
    "Exported": "exports.results",
    "FoundTicket": "experiments.ticket.result",
    "Frontier": "exports.fast.frontier",
    "Inspection": "data.look.inspection",
    "PlannedBudget": "exports.results",
    "PlannedSearch": "experiments.ticket.planned",
    "PlannedTrainings": "experiments.driver",
    "Run": "runs.run",
    "Store": "runs.store",
    "Scored": "scoring.writing",
    "SeedsPlan": "experiments.claims.seeds_plan",
    "Simulated": "experiments.simulated",
    "StudyResult": "experiments.study.finished",
    "TflotteryError": "errors",
    "Ticket": "tickets.ticket",
    "TrainingError": "errors",
    "TransferResult": "experiments.transfer.finished",
    "TuningResult": "experiments.learning_rate.finished",
    "UnitCosts": "exports.fast.unit_costs",
    "UserError": "errors",
    "evaluate": "scoring.evaluate",
    "explain": "scoring.explain",
    "export": "exports.export",
    "find_ticket": "experiments.ticket.run",
    "inspect": "experiments.inspecting",
    "load_ticket": "tickets.ticket",
    "plan_seeds": "experiments.claims.seeds_plan",
    "predict": "scoring.predict",
    "register_architecture": "models.brought.registering",
    "register_criterion": "pruning.criteria",
    "register_metric": "metrics",
    "register_source": "data.reading.registered",
    "run_study": "experiments.study.run",
    "score": "scoring.score",
    "transfer": "experiments.transfer.run",
    "tune_learning_rate": "experiments.learning_rate.run",
    "write_report": "experiments.reports",
}
__all__ = [  # noqa: RUF022 - as a reader meets them
    "inspect",
    "find_ticket",
    "run_study",
    "plan_seeds",
    "transfer",
    "tune_learning_rate",
    "export",
    "predict",
    "score",
    "evaluate",
    "explain",
    "load_ticket",
    "write_report",
    "register_architecture",
    "register_criterion",
    "register_metric",
    "register_source",
    "Inspection",
    "FoundTicket",
    "StudyResult",
    "TransferResult",
    "TuningResult",
    "Exported",
    "Beside",
    "Compared",
    "Frontier",
    "UnitCosts",
    "Bundle",
    "Answer",
    "Scored",
    "Evaluation",
    "Explanation",
    "PlannedSearch",
    "PlannedTrainings",
    "Simulated",
    "PlannedBudget",
    "SeedsPlan",
    "Ticket",
    "Store",
    "Run",
    "TflotteryError",
    "UserError",
    "DamagedFileError",
    "TrainingError",
    "BudgetNotMetError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"tflottery.{_PLACES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
