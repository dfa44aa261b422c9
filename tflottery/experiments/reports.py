"""The report of every experiment in a store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tflottery import activity, plugins, status
from tflottery.errors import UserError
from tflottery.experiments.claims.fixed import Shares
from tflottery.experiments.learning_rate.article import tuning_article
from tflottery.experiments.learning_rate.results import load_tunings
from tflottery.experiments.study.article import study_articles
from tflottery.experiments.study.cells import Results
from tflottery.experiments.study.results import load_studies
from tflottery.experiments.ticket.decisive import decisive_article, load_models
from tflottery.experiments.transfer.article import transfer_article
from tflottery.experiments.transfer.results import load_transfers
from tflottery.plugins import Plugins
from tflottery.report.writing import require_place, write_articles
from tflottery.settings import place


@status.said
def write_report(
    store: str | Path = "runs",
    output: str | Path = "report",
    *,
    model: str | Path | Sequence[str | Path] = (),
    plugin: Plugins = (),
    progress: bool = True,
) -> Path:
    """Writes the report of every study, transfer and search in a store, and of exported tickets.

    >>> import tflottery as tfl
    >>> tfl.write_report("runs", "report")    # doctest: +SKIP
    PosixPath('report/index.html')

    Args:
        store: what ``bin/study``, ``bin/transfer`` and ``bin/tune_lr`` filled, or the folder of one
            of theirs. With ``model`` it may be missing or hold none.
        model: folders that ``bin/export`` wrote, of models, versions or bundles: what decides a
            class in each.
        output: made anew; an older report in its place is replaced.
        plugin: as in ``find_ticket``.
        progress: whether progress is shown.

    Returns:
        The path of ``index.html``.

    Raises:
        UserError: there is nothing to report, one cannot be read, two models have one name, or
            ``output`` holds something else than a report.
    """
    plugins.load(plugin, installed=False)
    store, output = place("store", store), place("output", output)
    require_place(output)
    asked = [model] if isinstance(model, (str, Path)) else list(model)
    models = load_models([place("model", one) for one in asked])
    if not store.is_dir() and not models:
        raise UserError(f"There is no folder {store}; give the store that bin/study filled.")
    with activity.doing("reading results and drawing"):
        studies, transfers = load_studies(store), load_transfers(store)
        tunings = load_tunings(store)
        shares = Shares(studies, transfers, tunings)
        articles = study_articles([Results(study) for study in studies], shares)
        articles += [transfer_article(transfer, shares) for transfer in transfers]
        articles += [tuning_article(tuning, shares) for tuning in tunings]
        articles.sort(key=lambda one: shares.place([said.answer.name for said in one.fixed]))
        articles += map(decisive_article, models)
    if not articles:
        raise UserError(
            f"{store} holds no study, transfer or search; run bin/study, bin/transfer or "
            "bin/tune_lr first."
        )
    with activity.doing("writing the report"):
        return write_articles(articles, output)
