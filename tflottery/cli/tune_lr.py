"""``bin/tune_lr``: which learning rate is best for a ticket, or for dense and every sparsity."""

from __future__ import annotations

import sys

from absl import flags

from tflottery import startup
from tflottery.cli import app
from tflottery.cli import flags as common


def define(values: flags.FlagValues) -> None:
    def text(name: str, default: str, help_text: str) -> None:
        flags.DEFINE_string(name, default, help_text, flag_values=values)

    text(
        "ticket",
        "",
        "A ticket's folder, or a folder of tickets: its newest one. Without it, the networks of a "
        "configuration are tuned.",
    )
    common.define_configuration(values)
    text(
        "levels",
        "",
        "Sparsities, as 0,0.36,0.832; 0 is dense. Default: as configured, or dense and the "
        "ticket's own.",
    )
    text(
        "arms",
        "",
        "ticket, reinit, late (rewound to the first epoch), with commas between them. Default: as "
        "configured, else ticket,reinit.",
    )
    text(
        "seeds",
        "1",
        "How many seeds, from 1 or from the ticket's on; a trial is judged by their median.",
    )
    text(
        "tuner",
        "",
        "grid (GridSearch), random (RandomSearch), bayesian (BayesianOptimization) or hyperband "
        "(Hyperband, which makes no curve). Default: grid.",
    )
    text("trials", "", "Trials of each network, for random and bayesian. Default: 10.")
    text("store", "runs", "Folder where trainings are kept.")
    common.define_executor(values)
    common.define_tensorboard(values)
    common.define_dry_run(values)


def tune(values: flags.FlagValues) -> None:
    startup.use_threads(common.resources(values).threads)
    from tflottery.cli.tune_run import run

    run(values)


COMMAND = app.Command(
    name="tune_lr",
    summary="Find the best learning rate of a ticket, or of dense and every sparsity.",
    define=define,
    action=tune,
    examples="""
    bin/tune_lr --ticket tickets --workers 4
    bin/tune_lr --ticket tickets --tuner bayesian --trials 12
    bin/tune_lr --config configs/study_cnn.toml --levels 0,0.36,0.738,0.832,0.972 --seeds 3
    bin/tune_lr --config tune_toy --set "tuning.batch_size=[32,128]" --dry_run
    """,
    kept=common.kept_in_store,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return app.run(COMMAND, argv)


if __name__ == "__main__":
    sys.exit(main())
