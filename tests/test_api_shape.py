"""The library's names: every flag is a keyword, and what is public is documented."""

from __future__ import annotations

import inspect

import pytest

import tflottery as tfl
from tflottery.cli import evaluate as evaluate_command
from tflottery.cli import export as export_command
from tflottery.cli import find_ticket as find_command
from tflottery.cli import inspect as inspect_command
from tflottery.cli import predict as predict_command
from tflottery.cli import report as report_command
from tflottery.cli import study as study_command
from tflottery.cli import transfer as transfer_command
from tflottery.cli import tune_lr as tune_command
from tflottery.cli.app import defined

# ``--simulate`` is a method of what ``dry_run`` gives, ``--plan`` a call of its own (plan_seeds).
NOT_KEYWORDS = {"simulate", "plan"}
OF_COMMANDS = {"help", "h", "helpkeys"}


@pytest.mark.parametrize(
    ("call", "command"),
    [
        (tfl.inspect, inspect_command),
        (tfl.find_ticket, find_command),
        (tfl.run_study, study_command),
        (tfl.transfer, transfer_command),
        (tfl.tune_learning_rate, tune_command),
        (tfl.export, export_command),
        (tfl.write_report, report_command),
    ],
)
def test_every_flag_is_a_keyword(call, command):
    values = defined(command.COMMAND)
    missing = set(values) - set(inspect.signature(call).parameters) - NOT_KEYWORDS - OF_COMMANDS
    assert missing == set()


# Columns have short words in calls, which have no standard input; what evaluate gives is saved.
OTHER_WORDS = {"text_column": "text", "label_column": "label", "input": "data"}
OF_STANDARD_INPUT, SAVED = {"column", "lines"}, {"output"}


@pytest.mark.parametrize(
    ("calls", "command"),
    [
        ((tfl.predict, tfl.score, tfl.explain), predict_command),
        ((tfl.evaluate,), evaluate_command),
    ],
)
def test_every_flag_of_a_models_commands_is_a_keyword(calls, command):
    keywords = {name for call in calls for name in inspect.signature(call).parameters}
    flags = set(defined(command.COMMAND)) - OF_STANDARD_INPUT - OF_COMMANDS
    flags -= SAVED if command is evaluate_command else set()
    assert {OTHER_WORDS.get(name, name) for name in flags} - keywords == set()


def test_public_names_are_there_and_documented():
    for name in tfl.__all__:
        thing = getattr(tfl, name)
        assert name == "__version__" or (thing.__doc__ and len(thing.__doc__) > 20), name
    with pytest.raises(AttributeError, match="no attribute 'hunt'"):
        _ = tfl.hunt
