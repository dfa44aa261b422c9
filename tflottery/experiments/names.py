"""What methods, masks and initialisations are called on the page, and in which order they come."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

AT_INIT = "at_init"
METHODS = {
    "dense": "dense",
    AT_INIT: "at initialisation",
    "one_shot": "one-shot",
    "iterative": "iterative",
    "gradual": "gradual",
}
_INITS = {
    "original": "original",
    "rewind:1ep": "rewind 1 ep",
    "rewind:end": "rewind end",
    "random": "random",
    "random:carried": "random, embedding carried",
    "random:kept": "random, embedding kept",
    "reinit": "reinit",
    "learning_rate_rewinding": "rate rewinding",
    "finetune": "rate rewinding",
    "fine_tuning": "fine-tuning",
}
_MASKS = {
    "random": "random mask",
    "shuffled": "shuffled mask",
    "shuffled_words": "shuffled in words",
    "words_only": "words shuffled only",
    "random_words": "random words",
    "head_pruned": "head pruned too",
    "head_spared": "head excluded",
}
CHECKS = {
    "shuffled": "shuffled",
    "shuffled_words": "shuffled in words",
    "reinit": "new weights",
    "inverted": "inverted",
}
# The criteria that others are compared with: by size, after training.
USUAL = {"weights": "magnitude", "units": "filters"}
_PARTS = (
    "dense", "grid", "control", "rewind", "again", "length", "ramp", "convergence", "criterion",
)  # fmt: skip
DATASETS = {
    "imdb": "IMDB",
    "imdb_sample": "IMDB sample",
    "yelp_polarity": "Yelp polarity",
    "yelp_polarity_sample": "Yelp sample",
    "ag_news_sample": "AG News sample",
    "toy": "toy reviews",
}
_WEIGHTS = {"source_late": "source 1 ep", "fresh": "", "reinit": "new"}
MODELS = {"cnn": "CNN", "lstm": "LSTM", "gru": "GRU", "transformer": "transformer"}


def method(name: str) -> str:
    return METHODS.get(name, name.replace("_", " "))


def init(name: str) -> str:
    """``rewind:500it`` is ``rewind 500 it``; the page explains ``random`` and ``reinit``."""
    if name in _INITS:
        return _INITS[name]
    kind, _, moment = name.partition(":")
    if not moment:
        kind, _, longer = name.partition("+")
        return f"{kind} + {step(longer)}" if longer else name
    return f"{kind} {step(moment)}"


def step(moment: str) -> str:
    """A moment of the dense training: ``500it`` is ``500 it``."""
    for unit in ("ep", "it"):
        if moment.endswith(unit):
            return f"{moment.removesuffix(unit)} {unit}"
    return moment


def arm(method_name: str, mask: str, init_name: str, part: str) -> str:
    """A curve of the controls figure, or a row of its table; a network of a comparison of
    criteria."""
    if part == "criterion":
        criterion, _, check = mask.partition(":")
        more = check or ("" if init_name == "original" else init_name)
        if longer := init_name.partition("+")[2]:
            return f"{criterion} + {step(longer)}"
        return f"{criterion}, {CHECKS.get(more, more)}" if more else criterion
    if part == "control" and method_name == "dense":
        return "dense, stretched"
    if method_name == "dense":
        return "dense"
    if method_name == "gradual":
        _, _, ramp = init_name.partition(":")
        from_trained = ", from trained" if init_name.startswith("trained") else ""
        return f"gradual{from_trained or ' pruning'}{f', ramp {ramp}' if ramp else ''}"
    if mask in _MASKS:
        return _MASKS[mask]
    if mask not in ("magnitude", "dense"):
        return mask.replace("_", " ")
    return {"signs": "signs only", "original": "ticket"}.get(init_name, init(init_name))


def weights(init_name: str) -> str:
    """Where the weights of a transferred network come from."""
    return _WEIGHTS.get(init_name, init_name)


def transfer_arm(mask: str, init_name: str) -> str:
    """A mask and its weights on a curve of a transfer, or in a sentence."""
    known = {
        ("dense", "fresh"): "dense",
        ("target", "target"): "own ticket",
        ("source", "source"): "source ticket",
    }
    return known.get((mask, init_name), f"{mask} mask, {weights(init_name)}")


def tuned_arm(name: str) -> str:
    """A network of a search, on a curve or in a table."""
    return {"late": "rewind 1 ep"}.get(name, name)


def dataset(name: str) -> str:
    return DATASETS.get(name, name)


def network(model_name: str, dataset_name: str, config: Mapping[str, Any]) -> str:
    """A network and its data, with what tells it from others of that kind: vectors that it begins
    with, a split that is not the data's own, and a scope or criterion that is not the usual one."""
    data, its = config.get("data") or {}, config.get("model") or {}
    pruning = config.get("pruning") or {}
    vectors = str(its.get("vectors") or "")
    begins = f" with {Path(vectors).name.removesuffix('.txt')}" if vectors else ""
    split = ", pooled split" if data.get("split") == "pooled" else ""
    scope, criterion = pruning.get("scope", "layerwise"), pruning.get("criterion", "magnitude")
    within = "" if scope == "layerwise" else f", scope {scope}"
    by = "" if criterion == "magnitude" else f", pruned by {criterion}"
    return f"{model(model_name)}{begins} on {dataset(dataset_name)}{split}{within}{by}"


def model(name: str) -> str:
    return MODELS.get(name, name)


def method_order(name: str) -> tuple[int, str]:
    return _place(name, tuple(METHODS))


def part_order(name: str) -> tuple[int, str]:
    return _place(name, _PARTS)


def init_order(name: str) -> tuple[float, str]:
    """Original and its rewound relatives by their moment, then the newly drawn ones."""
    if name == "original":
        return 0, ""
    kind, _, moment = name.partition(":")
    if kind == "rewind":
        return 1 + moment_order(moment), ""
    if name.startswith("original+"):
        return 0.5, name
    known = (
        "learning_rate_rewinding", "finetune", "fine_tuning",
        "random", "random:carried", "random:kept", "reinit",
    )  # fmt: skip
    return _place(name, known, after=1e9)


def moment_order(moment: str, steps_per_epoch: float = 1e6) -> float:
    """When, in optimizer steps; ``end`` is last. Without a number of steps in an epoch, iterations
    come before epochs."""
    digits = moment.rstrip("abcdefghijklmnopqrstuvwxyz")
    if not digits.isdecimal():
        return 1e8
    return float(digits) * (steps_per_epoch if moment.endswith("ep") else 1)


def _place(name: str, known: tuple[str, ...], after: float = 0) -> tuple[int, str]:
    return int(after) + (known.index(name) if name in known else len(known)), name
