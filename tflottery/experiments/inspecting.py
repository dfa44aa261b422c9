"""``inspect``: a look at labelled texts before any work, and its short form before a training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflottery import plugins
from tflottery.data import findings
from tflottery.data.corpus import folder_of
from tflottery.data.look import inspection
from tflottery.data.look.inspection import Inspection
from tflottery.data.reading import given, sources
from tflottery.data.reading.given import Data
from tflottery.data.settings import DataSettings
from tflottery.experiments import configuration
from tflottery.experiments.configuration import Settings
from tflottery.plugins import Plugins
from tflottery.runs.encoded import load_corpus
from tflottery.runs.store import Store

if TYPE_CHECKING:
    from tflottery.progress.reporter import Reporter

# Texts that are read again in a dry run, which takes about a second.
_FEW = 20_000


def inspect(
    dataset: Data | None = None,
    *,
    text: str = "",
    label: str = "",
    validation: Data | None = None,
    test: Data | None = None,
    data_dir: str | Path | None = None,
    config: str | Path = "",
    set: Settings = (),
    model: str | None = None,
    store: str | Path | Store = "runs",
    plugin: Plugins = (),
) -> Inspection:
    """Looks at labelled texts as a training would read them: classes and what the larger one alone
    would score, lengths, unknown words, copies, and what differences these data can tell.

    Nothing is trained or written. Data other than TFDS' are read without TensorFlow.

    >>> import tflottery as tfl
    >>> texts = [f"{word} film number {n}" for n in range(40) for word in ("fine", "dull")]
    >>> seen = tfl.inspect((texts, ["pos", "neg"] * 40))
    >>> seen.classes["train"].tolist()
    [26, 26]
    >>> seen.cautions[0]
    'Few texts: 12 of validation cannot tell differences under 28 points. Add texts: 385 tell 5 ...'

    Args:
        dataset, text, label, validation, test, data_dir, config, set, model: as in
            ``find_ticket``. Settings of the data decide what is counted (``data.max_length``,
            ``data.vocabulary_size``); ``model`` picks the configuration that they come from.
        store: where data that a training encoded are kept; what was counted then is read.
        plugin: as in ``find_ticket``.

    Returns:
        The counts as tables, and what to mind, a line each.

    Raises:
        UserError: the data or a setting cannot be used.
    """
    plugins.load(plugin)
    changes = {
        **given.settings(dataset, text, label, validation, test, data_dir),
        **configuration.changes(model=model),
    }
    chosen = configuration.load(config, changes, set)
    store = Store.of(store)
    looked = sources.look(chosen.data)
    seen = inspection.inspect(looked.settings, store.data_place)
    return Inspection(seen.findings, looked.remarks)


def before_training(settings: DataSettings, store: Store, reporter: Reporter) -> Inspection:
    """Says the short form of an inspection; data that are not encoded yet are encoded first, which
    their training does otherwise.

    Args:
        settings: with the fingerprint of their data.
        store: where encoded data are kept.
        reporter: where to say it.
    """
    cache = store.data_folder()
    if findings.kept_in(folder_of(settings, cache)) is None:
        load_corpus(settings, store)  # which the trainings find in memory then
    seen = inspection.inspect_encoded(settings, cache)
    for line in seen.short:
        reporter.say(line)
    return seen


def before_dry_run(settings: DataSettings, store: Store, reporter: Reporter) -> None:
    """Says the short form where that costs little: the data were encoded before, or few texts of a
    table are to be read."""
    if reporter.is_silent:
        return
    cache = store.data_place
    if findings.kept_in(folder_of(settings, cache)) is not None or _is_small(settings):
        for line in inspection.inspect(settings, cache).short:
            reporter.say(line)


def _is_small(settings: DataSettings) -> bool:
    if settings.vocabulary_from:
        return False
    kind = sources.source_of(settings.dataset)
    # Tables know the labels of their rows when they are judged; others would have to be read.
    if not hasattr(kind, "labels"):
        return False
    source: Any = sources.open_source(settings)
    texts = sum(len(source.labels(split)) for split in source.splits)
    return texts <= _FEW
