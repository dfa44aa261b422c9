"""``bin/tune_lr``: which learning rate is best for a ticket, or for dense and every sparsity."""

from __future__ import annotations

import sys

from absl import flags

from tflottery.cli import app, experiments
from tflottery.cli import flags as common


def define(values: flags.FlagValues) -> None:
    def text(name: str, default: str, help_text: str) -> None:
        flags.DEFINE_string(name, default, help_text, flag_values=values)

    text(
        "ticket",
        "",
        "A ticket's folder, or a folder of tickets: its newest one. Without it the networks of a "
        "configuration are tuned; without --config, --dataset and --model too: tickets.",
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
        "How many seeds, from 1 or from the ticket's on; or which, as 4-13. A trial is judged by "
        "their median.",
    )
    text(
        "tuner",
        "",
        "grid (GridSearch), random (RandomSearch), bayesian (BayesianOptimization) or hyperband "
        "(Hyperband, which makes no curve). Default: grid.",
    )
    text("trials", "", "Trials of each network, for random and bayesian. Default: 10.")
    text(
        "metric",
        "",
        "What trials are judged by on validation data: accuracy, macro_f1, log_loss, ... Default: "
        "accuracy.",
    )
    text("store", "runs", "Folder where trainings are kept.")
    common.define_executor(values)
    common.define_tensorboard(values)
    common.define_dry_run(values)


def tune(values: flags.FlagValues) -> None:
    keywords = {
        **common.configured(values),
        **experiments.where(values),
        "levels": common.numbers(values, "levels", float, "sparsities with commas between them")
        if values.levels
        else None,
        "arms": [part.strip() for part in values.arms.split(",")] if values.arms else None,
        "seeds": common.seeds(values),
        "tuner": values.tuner or None,
        "metric": values.metric or None,
        "trials": common.whole_number(values, "trials", least=1) if values.trials else None,
    }
    ticket = values.ticket or None
    # Here, so that --help need not wait.
    from tflottery.experiments.learning_rate.run import tune_learning_rate

    if values.dry_run:
        experiments.say(tune_learning_rate(ticket, **keywords, dry_run=True).sentence)
        return
    done = tune_learning_rate(ticket, **keywords)
    if done.folder is None:
        experiments.say(f"{done.trained} trainings done here; the chief writes what was found.")
        return
    from tflottery.experiments.learning_rate.terminal import terminal

    experiments.show(terminal(done.results))
    experiments.say(
        *(one.on_a_line for one in done.answers),
        *done.findings,
        *done.cautions,
        f"{done.trained} trainings done now.",
        f"Result: {done.folder}/tuning.json",
        f"Rule:   {done.rule_file}, for --learning_rate auto" if done.rule_file else "",
    )
    experiments.report_on(values)
    experiments.require_all(done.failures, 0, done.folder / "trials.csv")


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
    sections=("data", "model", "training", "pruning", "tuning"),
)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return app.run(COMMAND, argv)


if __name__ == "__main__":
    sys.exit(main())
