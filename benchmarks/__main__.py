"""Runs the benchmarks: ``python -m benchmarks [steps buckets threads reading study profile]``.

The tables go to standard output, what it is at to standard error. ``--write FILE`` puts the tables
into a Markdown file. The machine should do nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks.harness import Options, Table, machine
from benchmarks.running import Benchmark, measure
from benchmarks.watch import Watch, open_console
from tflottery import arithmetic


# What follows imports TensorFlow, which takes seconds: only once something is shown.
def _steps(network: str, options: Options, watch: Watch) -> list[Table]:
    from benchmarks import steps

    return [steps.table(network, options, watch)]


def _buckets(options: Options, watch: Watch) -> list[Table]:
    from benchmarks import processes

    return [processes.buckets(options, watch)]


def _threads(options: Options, watch: Watch) -> list[Table]:
    from benchmarks import processes

    return [processes.threads(options, watch)]


def _reading(options: Options, watch: Watch) -> list[Table]:
    from benchmarks import reading

    return [reading.table(options, watch)]


def _study(options: Options, watch: Watch) -> list[Table]:
    from benchmarks import studies

    return studies.run(options, watch)


def _profile(network: str, options: Options, watch: Watch) -> list[Table]:
    from benchmarks import profiled

    return [profiled.table(network, options, watch)]


ALL = (
    *(
        Benchmark("steps", f"a step of {network}", partial(_steps, network))
        for network in ("imdb_cnn", "imdb_lstm")
    ),
    Benchmark("buckets", "length buckets", _buckets),
    Benchmark("threads", "threads or processes", _threads),
    Benchmark("reading", "a table of texts", _reading),
    Benchmark("study", "a study", _study),
    *(
        Benchmark("profile", f"the profile of {network}", partial(_profile, network))
        for network in ("study_cnn", "study_lstm")
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    names = list(dict.fromkeys(benchmark.name for benchmark in ALL))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("which", nargs="*", help=f"some of {', '.join(names)}; all by default")
    parser.add_argument(
        "--turns", type=_count, default=3, help="of each variant; default 3 (a study runs once)"
    )
    parser.add_argument(
        "--steps", type=_count, help="steps a turn; by default 50 or 100, as each table needs"
    )
    parser.add_argument(
        "--avx2",
        action="store_true",
        help="training steps also as they are where a processor has AVX2 at most, on one with "
        "AVX-512",
    )
    parser.add_argument("--write", type=Path, help="a Markdown file for the tables")
    given = parser.parse_args(arguments)
    if unknown := set(given.which) - set(names):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    if given.avx2 and arithmetic.instructions() != "avx512":
        parser.error("--avx2 holds a processor with AVX-512 to AVX2; this one has none")
    if given.write and given.write.is_dir():
        parser.error(f"--write {given.write} is a folder")
    # In the order in which they were asked for.
    chosen = [
        benchmark
        for name in (dict.fromkeys(given.which) or names)
        for benchmark in ALL
        if benchmark.name == name
    ]
    watch = Watch(open_console())
    watch.note(f"{len(chosen)} benchmarks; importing TensorFlow")
    try:
        on = machine()
        print(on, flush=True)
        options = Options(given.turns, given.steps, given.avx2)
        return measure(chosen, options, watch, on, given.write)
    except KeyboardInterrupt:
        watch.note("stopped")
        return 130


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
