"""The numbers of the founding weekly note: test accuracy in %, IMDB, one run each.

The CNN's are the table of its section 2.1.3; the LSTM's were read off the figure of 2.1.2.
"""

from __future__ import annotations

from collections.abc import Collection

# Initialisations as the note calls them, by the names of this project.
NAMES = {
    "random": "random",
    "original": "lt",
    "rewind:1ep": "lt+lr(f)",
    "rewind:end": "lt+lr(l)",
}

_INITS = tuple(NAMES)
# What the note's code did where it says "random".
_CARRIED = "random:carried"


def own(init: str, held: Collection[str]) -> str:
    """The initialisation of a study that is beside one of ``NAMES``: its ``random`` carries the
    trained embedding on, where the study holds that arm.

    Args:
        init: a key of ``NAMES``.
        held: the initialisations of the study.
    """
    return _CARRIED if init == "random" and _CARRIED in held else init


# level: ((one-shot, iterative) for each initialisation in the order of NAMES)
_CNN = {
    0.36: ((86.90, 86.92), (87.57, 87.55), (87.25, 87.26), (87.19, 87.61)),
    0.59: ((86.61, 86.07), (87.62, 86.92), (86.89, 87.55), (86.66, 87.63)),
    0.738: ((86.55, 85.74), (87.12, 86.31), (86.90, 86.83), (86.66, 86.71)),
    0.832: ((87.15, 85.52), (87.00, 85.76), (86.95, 86.51), (85.82, 87.14)),
    0.972: ((77.21, 82.65), (75.55, 81.52), (77.07, 82.52), (76.20, 82.45)),
}
# level: iterative, for each initialisation
_LSTM = {
    0.2: (88.9, 89.4, 89.5, 89.4),
    0.36: (89.4, 88.5, 89.8, 90.4),
    0.488: (88.7, 89.2, 89.8, 90.1),
    0.59: (88.4, 89.0, 89.7, 90.2),
    0.672: (89.8, 89.8, 89.2, 90.2),
}

Accuracies = dict[tuple[str, str, float], float]


def accuracies(model: str) -> Accuracies:
    """Test accuracy in % by (method, init, level); empty for a network the note does not have."""
    if model == "cnn":
        return {
            (method, init, level): pair[place]
            for level, row in _CNN.items()
            for init, pair in zip(_INITS, row, strict=True)
            for place, method in enumerate(("one_shot", "iterative"))
        }
    if model == "lstm":
        return {
            ("iterative", init, level): value
            for level, row in _LSTM.items()
            for init, value in zip(_INITS, row, strict=True)
        }
    return {}


# Rounds quoted to three digits differ from the level by less than this.
_QUOTED = 6e-4


def lookup(known: Accuracies, method: str, init: str, level: float) -> float | None:
    """The note's accuracy for a cell, or None; 0.738 also finds 0.737856."""
    for (known_method, known_init, known_level), value in known.items():
        if (known_method, known_init) == (method, init) and abs(known_level - level) < _QUOTED:
            return value
    return None
