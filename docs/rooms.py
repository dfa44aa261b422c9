"""Writes the table of rooms in architecture.md: what each is for, its files and their lines.

``python docs/rooms.py`` writes it anew.
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: python docs/rooms.py writes this table -->", "<!-- end of rooms -->"
# From the top floor down, as in tests/test_rooms.py.
ROOMS = (
    "__init__.py", "__main__.py", "cli", "scoring", "exports", "exports/fast", "exports/formats",
    "experiments",
    "experiments/ticket",
    "experiments/claims", "experiments/study", "experiments/transfer",
    "experiments/learning_rate", "reasons", "tickets",
    "progress", "runs", "training", "pruning", "pruning/criteria", "pruning/moving",
    "models", "models/shipped",
    "models/brought", "data", "data/reading", "data/words", "data/look", "plugins.py", "report",
    "startup.py", "toml.py", "files.py", "paired.py", "power.py", "settings.py", "estimates.py",
    "metrics.py", "notebook.py", "seeds.py", "statistics.py", "status.py", "steps.py",
    "versions.py", "arithmetic.py", "digests.py", "memory.py", "naming.py", "registry.py",
    "activity.py", "archives.py", "disk.py", "errors.py", "interrupts.py", "printed.py",
    "program.py",
)  # fmt: skip
_CODE = (".py", ".j2", ".css")


def files_of(room: str) -> dict[str, int]:
    """Lines of each file of a room, by name, the longest first."""
    place = ROOT / "tflottery" / room
    inner = place.glob("templates/*") if room == "report" else ()
    found = [place] if place.is_file() else [*place.iterdir(), *inner]
    lines = {
        str(file.relative_to(place.parent if place.is_file() else place)): len(
            file.read_text(encoding="utf-8").splitlines()
        )
        for file in found
        if file.suffix in _CODE
    }
    return dict(sorted(lines.items(), key=lambda item: (-item[1], item[0])))


def purpose(room: str) -> str:
    """The first sentence of a room's docstring."""
    place = ROOT / "tflottery" / room
    file = place if place.is_file() else place / "__init__.py"
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).rstrip(".")


def table() -> str:
    """The rooms as Markdown."""
    lines = ["| room | what it is for | lines | files |", "|---|---|---:|---|"]
    for room in ROOMS:
        files = files_of(room)
        listed = " · ".join(
            f"{name} {count}" for name, count in files.items() if name != "__init__.py"
        )
        listed = "" if room.endswith(".py") else listed
        lines.append(f"| `{room}` | {purpose(room)} | {sum(files.values()):,} | {listed} |")
    return "\n".join(lines)


def written(page: str) -> str:
    """The page with the table as it is today."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
