"""``bin/study``: the grid of methods, initialisations and sparsities, over seeds."""

from __future__ import annotations

import sys

from absl import flags

from tflottery.cli import app, experiments
from tflottery.cli import flags as common
from tflottery.errors import UserError


def define(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "ticket",
        "",
        "A ticket's folder, or a folder of tickets: its newest one, whose data and network the "
        "study is of. Without it, and without --config, --dataset and --model: tickets.",
        flag_values=values,
    )
    common.define_configuration(values)
    flags.DEFINE_string(
        "seeds", "3", "How many seeds, from 1 on; or which, as 4-13.", flag_values=values
    )
    flags.DEFINE_string("store", "runs", "Folder where trainings are kept.", flag_values=values)
    common.define_executor(values)
    common.define_tensorboard(values)
    common.define_dry_run(values)
    flags.DEFINE_boolean(
        "plan",
        False,
        "Say how many seeds each contrast of the claims needs, from the spread of the studies, "
        "transfers and searches in --store, and what they cost; train nothing.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "simulate",
        "",
        "Numbers of workers, as 1,10,100: say how long the study would take on each, from the "
        "times of trainings in the store, and train nothing.",
        flag_values=values,
    )


def study(values: flags.FlagValues) -> None:
    if values.plan:
        _plan(values)
        return
    keywords = {
        **common.configured(values),
        **experiments.where(values),
        "ticket": values.ticket or None,
        "seeds": common.seeds(values),
    }
    workers: list[int] = []
    if values.simulate:
        workers = common.numbers(values, "simulate", int, "numbers of workers, as 1,10,100")
    # Here, so that --help need not wait.
    from tflottery.experiments.study.run import run_study

    if values.dry_run or workers:
        planned = run_study(**keywords, dry_run=True)
        if workers:
            from tflottery.cli.simulated import show_simulation

            show_simulation(planned, workers)
        else:
            experiments.say(planned.sentence)
        return
    done = run_study(**keywords)
    from tflottery.experiments.study.terminal import terminal

    experiments.show(terminal(done.results.study))
    total = done.total
    experiments.say(
        *done.cautions,
        f"{done.trained} trainings done now, {total - len(done.failures)} in all.",
        f"Findings: {done.folder}/",
    )
    experiments.report_on(values)
    experiments.require_all(done.failures, total, done.folder / "cells.csv")


def _plan(values: flags.FlagValues) -> None:
    from tflottery.experiments.claims.seeds_plan import plan_seeds

    for name in values:
        if values[name].present and name not in ("plan", "store", "config"):
            raise UserError(
                f"--plan reads what --store holds, and trains nothing; leave out --{name}."
            )
    planned = plan_seeds(values.store, values.config or "")
    experiments.show(planned.terminal())
    experiments.say(*planned.sentences)


COMMAND = app.Command(
    name="study",
    summary="Compare one-shot and iterative pruning and every initialisation, over seeds.",
    define=define,
    action=study,
    examples="""
    bin/study --config study_toy --seeds 2
    bin/study --config study_cnn --seeds 5 --dry_run
    bin/study --config configs/study_lstm.toml --seeds 3 --workers 8
    bin/study --store runs --plan
    bin/study --config study_cnn --seeds 100 --simulate 1,10,100,1000
    """,
    kept=common.kept_in_store,
    sections=("data", "model", "training", "pruning", "study"),
)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return app.run(COMMAND, argv)


if __name__ == "__main__":
    sys.exit(main())
