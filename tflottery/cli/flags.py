"""Flags that several commands share, and their values as keywords of the API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from absl import flags

from tflottery.errors import UserError
from tflottery.experiments.which_seeds import read_seeds
from tflottery.pruning import criteria
from tflottery.tickets.methods import FINDING_TICKETS, MOVING

AUTO = "auto"
_LARGEST = 2**63 - 1
Number = TypeVar("Number", int, float)


def define_configuration(values: flags.FlagValues) -> None:
    """Flags for data, network and configuration."""

    def text(name: str, help_text: str) -> None:
        flags.DEFINE_string(name, None, help_text, flag_values=values)

    text(
        "dataset",
        "imdb, yelp_polarity, toy, any TFDS builder, a CSV, TSV or JSONL file, a folder of class "
        "folders, or a source of a plugin. Default: imdb.",
    )
    text("data_dir", "Folder of prepared TFDS data; else TFDS_DATA_DIR, else TFDS' own.")
    text("config", "A TOML file or a name in configs/. Default: the one for data set and model.")
    flags.DEFINE_multi_string(
        "set",
        [],
        "section.key=value: changes one setting; may be given several times. The keys: --helpkeys.",
        flag_values=values,
    )
    text("model", "cnn, gru, lstm or transformer, or one of a plugin. Default: cnn.")


def define_search(values: flags.FlagValues) -> None:
    """Flags for the search for a ticket."""

    def text(name: str, help_text: str) -> None:
        flags.DEFINE_string(name, None, help_text, flag_values=values)

    text(
        "method",
        f"{' or '.join(FINDING_TICKETS)}; or one sparse training, whose mask moves: "
        f"{', '.join(MOVING)}. Default: iterative.",
    )
    text("rate", "Fraction of the remaining weights that a round prunes. Default: 0.2.")
    text(
        "sparsity",
        "Fraction of the weights to prune, as 0.832; or auto: go on until two rounds in a row no "
        "longer match, report the sparsest that does. Default: auto.",
    )
    text(
        "init",
        "What a pruned network starts from: original, random (random:carried and random:kept draw "
        "all but the embedding anew), rewind:STEP (0ep, 1ep, 500it, end: that moment of the dense "
        "training), learning_rate_rewinding or fine_tuning (weights of the round before, the "
        "schedule anew or at its last, low rate). Default: original.",
    )
    text(
        "scope",
        "Which weights compete: layerwise (within a tensor), global (all together), "
        "global:normalised or lamp (all together, scores in their tensor's measure), erk or "
        "uniform+ (within a tensor that keeps what its shape or its place says). Rates by layer: "
        "--set pruning.rates='{embedding=0.3, head=0.0}'. Default: layerwise.",
    )
    text(
        "learning_rate",
        "A number; auto: what the rule that bin/tune_lr fitted says for each sparsity; or a rule's "
        "file. Default: the configuration's.",
    )
    text(
        "criterion",
        f"Which weights to keep: {', '.join(criteria.shipped('weights'))}, or one of a plugin; or "
        "which whole filters, recurrent and feed-forward units and embedding columns, for speed: "
        f"{', '.join(criteria.shipped('units'))}. Default: magnitude.",
    )
    text("tolerance", "Points of validation accuracy below dense that still match. Default: 0.5.")
    text(
        "metric",
        "What networks are compared by: accuracy, balanced_accuracy, macro_f1, roc_auc, "
        "log_loss, calibration_error, or one of a plugin. --tolerance is in hundredths of it. "
        "Default: accuracy.",
    )


def define_places(values: flags.FlagValues, output: str, output_help: str) -> None:
    """``--seed``, ``--store``, ``--output`` and ``--dry_run``."""
    flags.DEFINE_string("seed", "1", "Decides every random number.", flag_values=values)
    flags.DEFINE_string("store", "runs", "Folder where trainings are kept.", flag_values=values)
    flags.DEFINE_string("output", output, output_help, flag_values=values)
    define_dry_run(values)


def define_tensorboard(values: flags.FlagValues) -> None:
    """``--tensorboard``."""
    flags.DEFINE_string(
        "tensorboard",
        "",
        "Folder for TensorBoard logs of the trainings done now. Default: none are written.",
        flag_values=values,
    )


def define_executor(values: flags.FlagValues) -> None:
    """Flags for where trainings run, and how many at a time."""

    def text(name: str, help_text: str) -> None:
        flags.DEFINE_string(name, "", help_text, flag_values=values)

    text(
        "executor",
        "local (one training after the other), processes (several on this machine) or ray (on a "
        "Ray cluster). Default: local; processes where --workers is given.",
    )
    text(
        "workers",
        "Trainings at a time. Default: one a core, or a GPU where there are any; with ray, what "
        "the cluster has.",
    )
    text(
        "threads",
        "Threads of each training; equal bits need equal numbers. Default: with processes its "
        "share of the cores, with ray 1, with local all.",
    )
    flags.DEFINE_string("address", "auto", "Of the Ray cluster.", flag_values=values)


def executed(values: flags.FlagValues) -> dict[str, Any]:
    """The values of ``define_executor``'s flags, as keywords of the API.

    Raises:
        UserError: a flag that takes a number has none.
    """
    numbers = {
        name: whole_number(values, name, least=1) if values[name].value else None
        for name in ("workers", "threads")
    }
    return {"executor": values.executor, **numbers, "address": values.address}


def define_dry_run(values: flags.FlagValues) -> None:
    """``--dry_run``."""
    flags.DEFINE_boolean(
        "dry_run", False, "Say what would be trained, and train nothing.", flag_values=values
    )


def configured(values: flags.FlagValues) -> dict[str, Any]:
    """The values of ``define_configuration``'s flags, as keywords of the API."""
    return {
        "dataset": values.dataset,
        "data_dir": values.data_dir,
        "config": values.config or "",
        "set": values.set,
        "model": values.model,
        "plugin": values.plugin,
    }


def searched(values: flags.FlagValues) -> dict[str, Any]:
    """The values of ``define_search``'s flags, as keywords of the API.

    Raises:
        UserError: a flag that takes a number has none.
    """
    keywords: dict[str, Any] = {
        name: values[name].value for name in ("method", "init", "scope", "criterion", "metric")
    }
    for name in ("rate", "sparsity", "tolerance"):
        text = values[name].value
        is_number = text is not None and not (name == "sparsity" and text == AUTO)
        keywords[name] = number(name, text) if is_number else text
    return {**keywords, "learning_rate": learning_rate(values)}


def learning_rate(values: flags.FlagValues) -> float | str | None:
    """``--learning_rate`` as a call takes it: a number, or a text, which the call judges; None if
    it is not given."""
    text: str | None = values.learning_rate
    if text is None or Path(text).is_file():  # a file's name may be a number
        return text
    try:
        return float(text)
    except ValueError:
        return text


def number(name: str, text: str) -> float:
    """A flag's text as a number.

    Raises:
        UserError: it is none.
    """
    try:
        return float(text)
    except ValueError:
        raise UserError(f"--{name} takes a number, not {text!r}.") from None


def numbers(
    values: flags.FlagValues, name: str, kind: Callable[[str], Number], taken: str
) -> list[Number]:
    """A flag's numbers with commas between them.

    Args:
        name: of the flag.
        kind: makes a number of a text.
        taken: what the flag takes, for messages.

    Raises:
        UserError: one of them is no number.
    """
    text: str = values[name].value
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"--{name} takes {taken}; not {text!r}.") from None


def whole_number(values: flags.FlagValues, name: str, least: int = 0) -> int:
    """A flag as a whole number from ``least`` on that fits 64 bits.

    Raises:
        UserError: it is none.
    """
    text = values[name].value
    if not text.isdecimal() or not least <= int(text[:20]) <= _LARGEST:
        raise UserError(f"--{name} takes a whole number from {least} on, not {text!r}.")
    return int(text)


def seeds(values: flags.FlagValues) -> int | tuple[int, ...]:
    """``--seeds`` as a call takes it: ``3`` says how many, ``4-13`` or ``2,5-7`` which.

    Raises:
        UserError: it is none of these, or names a seed twice.
    """
    return read_seeds(values.seeds)


def kept_in_store(values: flags.FlagValues) -> str:
    """What a command that fills a store says after Ctrl-C."""
    return f"Finished trainings are kept in {values.store}/; the same command goes on from there."
