"""``bin/study``: the grid of methods, initialisations and sparsities, over seeds."""

from __future__ import annotations

import sys

from absl import flags

from tflottery import startup
from tflottery.cli import app
from tflottery.cli import flags as common


def define(values: flags.FlagValues) -> None:
    common.define_configuration(values)
    flags.DEFINE_string(
        "seeds", "3", "How many seeds, from 1 on; or which, as 4-13.", flag_values=values
    )
    flags.DEFINE_string("store", "runs", "Folder where trainings are kept.", flag_values=values)
    common.define_executor(values)
    common.define_tensorboard(values)
    common.define_dry_run(values)
    flags.DEFINE_string(
        "simulate",
        "",
        "Numbers of workers, as 1,10,100: say how long the study would take on each, from the "
        "times of trainings in the store, and train nothing.",
        flag_values=values,
    )


def study(values: flags.FlagValues) -> None:
    startup.use_threads(common.resources(values).threads)
    from tflottery.cli.study_run import run

    run(values)


COMMAND = app.Command(
    name="study",
    summary="Compare one-shot and iterative pruning and every initialisation, over seeds.",
    define=define,
    action=study,
    examples="""
    bin/study --config study_toy --seeds 2
    bin/study --config study_cnn --seeds 5 --dry_run
    bin/study --config configs/study_lstm.toml --seeds 3 --workers 8
    bin/study --config study_cnn --seeds 100 --simulate 1,10,100,1000
    """,
    kept=common.kept_in_store,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return app.run(COMMAND, argv)


if __name__ == "__main__":
    sys.exit(main())
