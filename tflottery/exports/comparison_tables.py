"""A comparison as tables: Markdown for readers, CSV for pandas."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tflottery.exports.comparison import LARGEST, Comparison, Variant
from tflottery.exports.measuring import ROUNDS, RUNS
from tflottery.report.escaping import escaped, fenced
from tflottery.report.numbers import number
from tflottery.report.rendering import markdown_table
from tflottery.report.table import Column, Table

_ZEROES = (
    "Zeros save no time by themselves: *sparse* runs the same dense kernels as *dense*, and they "
    "multiply by a zero as by any other number; all it gains is size once it is compressed. Time "
    "is saved where whole filters, units and columns are gone: *compact*, *structured*."
)


def _scaled(unit: float, digits: int) -> Callable[[Any], str]:
    show = number(digits)
    return lambda value: show(value / unit)


_NAME = Column("variant", "variant", is_text=True)
_SIZES = (
    _NAME,
    Column("numbers", "numbers", number(0)),
    Column("sparsity", "zero %", _scaled(0.01, 1)),
    Column("raw_bytes", "raw kB", _scaled(1000, 0)),
    Column("gzip_bytes", "gzip kB", _scaled(1000, 0)),
    Column("weights_gzip_bytes", "weights", _scaled(1000, 1)),
    Column("floor_bytes", "floor", _scaled(1000, 1)),
    Column("to_floor", "ratio", number(2)),
    Column("test_accuracy", "test %", _scaled(0.01, 2)),
)
_SPEEDS = (
    _NAME,
    Column("memory_bytes", "load MB", _scaled(1e6, 1)),
    *(
        Column(f"p{percentile}_ms_batch_{batch}", f"p{percentile} b{batch}", number(2))
        for batch in RUNS
        for percentile in (50, 99)
    ),
    Column("texts_per_second", "texts/s", number(0)),
    Column("times_dense", "x dense", number(2)),
)


def sizes(comparison: Comparison) -> Table:
    """The table of sizes and accuracies, a row for each variant."""
    return Table("sizes", _SIZES, _rows(comparison))


def speeds(comparison: Comparison) -> Table:
    """The table of memory and speed, a row for each variant."""
    return Table("speeds", _SPEEDS, _rows(comparison))


def csv(comparison: Comparison) -> str:
    """Every number of the comparison, a line for each variant; sizes in bytes."""
    return Table("comparison", [*_SIZES, *_SPEEDS[1:]], _rows(comparison)).csv()


def markdown(comparison: Comparison, command: str) -> str:
    """Both tables, and what their columns mean.

    Args:
        comparison: what was measured.
        command: the command line that measured it.
    """
    refused = "".join(f" {escaped(line)}" for line in comparison.refused)
    return f"""# {escaped(comparison.title)}: size and speed

{fenced(command)}

{markdown_table(sizes(comparison))}

*raw*: the files as they are; *gzip*: as one .tar.gz, vocabulary and graph among them; *weights*:
the variables alone, gzipped, kB; *floor*: 32 bits for each number that is not zero and the entropy
of which ones these are, kB; *ratio*: weights / floor. Without warm-up requests.

{markdown_table(speeds(comparison))}

*load*: by how much loading raised a fresh process' memory at its highest. *p50*, *p99*:
milliseconds at batch {_listed(RUNS)}, of {_listed(ROUNDS * runs for runs in RUNS.values())} runs;
*texts/s* and *x dense*: throughput at batch {LARGEST}. Ids in, texts of {comparison.words} words,
models in turns on one machine ({comparison.machine}). TFLite is made of *compact* and holds no
vocabulary; int8 is its dynamic range quantisation.{refused}

{_ZEROES}
"""


def _listed(numbers: Iterable[int]) -> str:
    return " and ".join(map(str, numbers))


def _rows(comparison: Comparison) -> list[dict[str, Any]]:
    dense = comparison.variants[0]
    return [_row(variant, dense) for variant in comparison.variants]


def _row(variant: Variant, dense: Variant) -> dict[str, Any]:
    size, speed = variant.size, variant.speed
    # A TFLite file keeps its weights among other things, and int8 has fewer than 32 bits for each.
    is_saved_model = size.weights_gzipped > 0
    return {
        "variant": variant.name,
        "numbers": variant.numbers,
        "sparsity": variant.sparsity,
        "raw_bytes": size.raw,
        "gzip_bytes": size.gzipped,
        "weights_gzip_bytes": size.weights_gzipped if is_saved_model else None,
        "floor_bytes": variant.floor if is_saved_model else None,
        "to_floor": size.weights_gzipped / variant.floor if is_saved_model else None,
        "memory_bytes": speed.memory or None,
        **{
            f"p{percentile}_ms_batch_{batch}": speed.milliseconds(batch, percentile)
            for batch in RUNS
            for percentile in (50, 99)
        },
        "texts_per_second": speed.throughput(LARGEST),
        "times_dense": speed.throughput(LARGEST) / dense.speed.throughput(LARGEST),
        "test_accuracy": variant.accuracy,
    }
