"""``bin/predict``: what an exported model says of a text, here or on a server."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from absl import flags

from tflottery import activity, plugins, printed
from tflottery.cli import app, lines
from tflottery.errors import UserError


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""

    def text(name: str, help_text: str) -> None:
        flags.DEFINE_string(name, None, help_text, flag_values=values)

    flags.DEFINE_multi_string(
        "text",
        None,
        "A text, or several; without any, each line of standard input is one.",
        flag_values=values,
    )
    text("column", "Standard input is a table with a header; this column of it holds the texts.")
    flags.DEFINE_boolean(
        "lines",
        False,
        "Every line of standard input is a text, also where they look like a table.",
        flag_values=values,
    )
    text("model", "Folder of a model or of one of its versions; with --server, its name will do.")
    text(
        "input",
        "A table, whose rows are all scored: CSV, TSV, JSON, Parquet, Excel, packed or not; or a "
        "folder of .txt files.",
    )
    text("text_column", "The column of --input that holds the texts. Default: text.")
    text("output", "File for the table with its scores; else they go to standard output.")
    text(
        "format",
        "csv, tsv, jsonl or table (for people): how scores are written. Default: what --output "
        "ends in; on standard output csv, on a terminal table.",
    )
    text("prefix", "Stands before the names of added columns, where --input has such columns.")
    flags.DEFINE_boolean(
        "explain",
        False,
        "Say what each word did: coloured on a terminal, in two columns of a table, or as a page "
        "where --output ends in .html.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "by",
        "occlusion",
        "What --explain goes by: occlusion, the score without a word; or integrated_gradients.",
        flag_values=values,
    )
    flags.DEFINE_multi_string(
        "set",
        [],
        "data.key=value: how --input is read, as data.skip_bad=true; may be given several times.",
        flag_values=values,
    )
    text(
        "server",
        "Ask a running server instead: host:8500 for gRPC, http://host:8501 for REST; or the whole "
        "address of a prediction, which names the model too.",
    )


def predict(values: flags.FlagValues) -> None:
    """Asks the model about each text and prints its label, its score and the text."""
    if not (values.model or values.server):
        raise UserError("Which model? Give --model the folder that bin/export wrote.")
    plugins.load(values.plugin, installed=False)
    if values["by"].present and not values.explain:
        raise UserError("--by says what --explain goes by; give that, too.")
    as_table = [name for name in ("output", "format", "prefix") if values[name].value is not None]
    if values.explain and values.server:
        raise UserError("Words are explained on this machine; leave --server out.")
    # Imported only here, so that --help is quick.
    from tflottery.scoring import page

    is_page = bool(values.explain and page.is_page(values.output or ""))
    if (values.input is not None or as_table) and not is_page:
        _score(values)
        return
    if is_page and (values.input is not None or values.format or values.prefix):
        raise UserError("A page explains texts that are given one by one; a table takes --format.")
    for name in ("text_column", "set"):
        if values[name].value:
            raise UserError(f"--{name} says how --input is read; give that, too.")
    texts = _texts(values)
    if values.explain:
        _explain(values, texts)
        return
    from tflottery.scoring.predict import answers

    for answer, text in answers(values.model, texts, values.server or ""):
        score = answer.score if isinstance(answer.score, float) else max(answer.score)
        printed.say(answer.label, f"{score:.4f}", _shown(text))


def _texts(values: flags.FlagValues) -> Iterator[bytes]:
    """The texts that are given as words or on standard input."""
    if values.text is not None:
        return iter([os.fsencode(one) for one in values.text])
    return lines.texts_of(
        sys.stdin.buffer,
        values.column or "",
        any_lines=values.lines,
        look=not sys.stdin.isatty(),
    )


def _score(values: flags.FlagValues) -> None:
    """Scores a table, or texts as one."""
    if values.server:
        raise UserError("Tables are scored on this machine; leave --server out.")
    if values.input is not None and (values.text or values.column or values.lines):
        raise UserError(
            "--input brings the texts: leave out texts, --column and --lines; --text_column names "
            "the column."
        )
    # Imported only here, so that --help is quick.
    from tflottery.scoring import score

    done = score.command(
        values.model,
        values.input if values.input is not None else _texts(values),
        text=values.text_column or (values.column if values.input is None else "") or "",
        output=values.output,
        format=values.format or "",
        prefix=values.prefix or "",
        explain=values.explain,
        by=values.by,
        set=values.set,
    )
    for line in [*done.remarks, done.sentence]:
        activity.quiet()
        printed.complain(line)


def _explain(values: flags.FlagValues, texts: Iterator[bytes]) -> None:
    """Prints what the words of texts did, or writes a page of it."""
    # Imported only here, so that --help is quick.
    from tflottery.reasons import coloured
    from tflottery.scoring import page
    from tflottery.scoring.explain import each

    output = None if values.output is None else page.place_of(values.output)
    explained = each(Path(values.model), map(_decoded, texts), values.by)
    if output is not None:
        count = page.write(explained, output)
        printed.complain(f"Explained: {values.output} ({count:,} text{'s' * (count != 1)})")
        return
    from tflottery.progress.consoles import open_console
    from tflottery.progress.reporter import Reporter

    reporter = Reporter(open_console())
    for batch in explained:
        for one in batch:
            reporter.say(f"{one.label}  {one.score:.4f}")
            reporter.show(coloured.terminal(one))
            reporter.say(coloured.in_words(one))


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _shown(text: bytes) -> str:
    line = printed.visible(text.decode("utf-8", "replace"))
    return line if len(line) <= 60 else f"{line[:59]}…"


COMMAND = app.Command(
    name="predict",
    summary="Ask an exported model: about a text or several, or every row of a table.",
    define=define,
    action=predict,
    examples="""
    bin/predict --model saved_models/imdb-cnn "a film I would gladly see again"
    bin/predict --model saved_models/imdb-cnn "dull" "a joy"
    bin/predict --model saved_models/imdb-cnn < reviews.txt
    bin/predict --model saved_models/imdb-cnn --column text < reviews.csv
    bin/predict --model saved_models/imdb-cnn --input new.csv --output scores.csv
    bin/predict --model saved_models/imdb-cnn --input new.xlsx --text_column review --format jsonl
    bin/predict --model saved_models/imdb-cnn --explain "a film I would gladly see again"
    bin/predict --model imdb-cnn --server localhost:8500 "a film I would gladly see again"
    bin/predict --model imdb-cnn --server http://localhost:8501 "a film I would gladly see again"
    """,
    kept=lambda values: "Nothing is kept; the same command begins anew.",
    argument="text",
    sections=("data",),
    prints_data=True,
)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return app.run(COMMAND, argv)


if __name__ == "__main__":
    sys.exit(main())
