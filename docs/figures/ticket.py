"""Draws ticket.svg: how a lottery ticket is found.

    python docs/figures/ticket.py

Writes the picture beside this file; the same file byte for byte at every call.
"""

from __future__ import annotations

import random
from html import escape
from pathlib import Path

WIDTH, HEIGHT = 700, 274
LAYERS = (4, 4, 2)
NETWORK = 84  # the width of one network, in pixels
GAP = 59  # between two of them
LEFT, TOP, BOTTOM = 22, 84, 184
KEPT = 9  # of the 24 connections

INK, PALE, CARD, BORDER = "#1f2933", "#5b6875", "#fbfaf7", "#c9ccd1"
FIRST, TRAINED, GONE = "#2f6fb3", "#c2571a", "#cfd4da"

Edge = tuple[int, int, int]


def weights() -> tuple[dict[Edge, float], dict[Edge, float]]:
    """Sizes of the connections, at first and after training."""
    draw = random.Random(4)
    edges = [
        (layer, start, end)
        for layer in range(len(LAYERS) - 1)
        for start in range(LAYERS[layer])
        for end in range(LAYERS[layer + 1])
    ]
    first = {edge: draw.uniform(0.7, 2.0) for edge in edges}
    # One way through each node at least, so that what is left is a network.
    strong = {(0, 0, 1), (0, 1, 0), (0, 2, 2), (0, 3, 3), (0, 2, 1), (1, 0, 0), (1, 1, 0)}
    strong |= {(1, 2, 1), (1, 3, 1)}
    assert len(strong) == KEPT
    trained = {
        edge: draw.uniform(2.6, 3.8) if edge in strong else draw.uniform(0.4, 1.0) for edge in edges
    }
    return first, trained


def place(number: int, layer: int, node: int) -> tuple[float, float]:
    """The centre of a node of the network with that number."""
    x = LEFT + number * (NETWORK + GAP) + 9 + layer * (NETWORK - 18) / (len(LAYERS) - 1)
    step = (BOTTOM - TOP) / max(LAYERS)
    return x, (TOP + BOTTOM) / 2 + (node - (LAYERS[layer] - 1) / 2) * step


def network(number: int, sizes: dict[Edge, float], color: str, kept: set[Edge]) -> list[str]:
    """Connections in color, those that are pruned pale and dashed, and the nodes over them."""
    parts = []
    for edge in sorted(sizes, key=lambda one: one in kept):
        layer, start, end = edge
        (x1, y1), (x2, y2) = place(number, layer, start), place(number, layer + 1, end)
        if edge in kept:
            style = f'stroke="{color}" stroke-width="{sizes[edge]:.2f}"'
        else:
            style = f'stroke="{GONE}" stroke-width="0.9" stroke-dasharray="2 3"'
        parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {style}/>')
    for layer, nodes in enumerate(LAYERS):
        for node in range(nodes):
            x, y = place(number, layer, node)
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5.5" fill="{CARD}" stroke="{INK}" '
                'stroke-width="1.4"/>'
            )
    return parts


def text(x: float, y: float, words: str, color: str = INK, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}"{weight}>{escape(words)}</text>'


def arrow(number: int, lines: tuple[str, ...]) -> list[str]:
    """From a network to the next, with what is done in between above it."""
    x = LEFT + number * (NETWORK + GAP) + NETWORK
    y = (TOP + BOTTOM) / 2
    middle = x + GAP / 2
    parts = [
        f'<line x1="{x + 6:.1f}" y1="{y}" x2="{x + GAP - 8:.1f}" y2="{y}" stroke="{INK}" '
        'stroke-width="1.8" marker-end="url(#head)"/>'
    ]
    return parts + [
        text(middle, y - 10 - 14 * (len(lines) - 1 - row), line, bold=True)
        for row, line in enumerate(lines)
    ]


def caption(number: int, *lines: str) -> list[str]:
    x = LEFT + number * (NETWORK + GAP) + NETWORK / 2
    return [
        text(x, BOTTOM + 16 + 14 * row, line, INK if row == 0 else PALE, bold=row == 0)
        for row, line in enumerate(lines)
    ]


def drawing() -> str:
    first, trained = weights()
    every = set(first)
    kept = set(sorted(trained, key=lambda edge: -trained[edge])[:KEPT])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="Helvetica, Arial, sans-serif" '
        'font-size="12.5" text-anchor="middle" role="img">',
        "<title>How a lottery ticket is found</title>",
        "<desc>A dense network is trained, its smallest weights are pruned, the others go back to "
        "their first values, and the sparse network is trained again: as good as dense.</desc>",
        f'<defs><marker id="head" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="5" '
        f'markerHeight="5" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="{INK}"/></marker></defs>',
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="10" fill="{CARD}" '
        f'stroke="{BORDER}"/>',
        *network(0, first, FIRST, every),
        *arrow(0, ("train",)),
        *network(1, trained, TRAINED, every),
        *arrow(1, ("prune", "the", "smallest")),
        *network(2, trained, TRAINED, kept),
        *arrow(2, ("rewind",)),
        *network(3, first, FIRST, kept),
        *arrow(3, ("train", "again")),
        *network(4, trained, TRAINED, kept),
        *caption(0, "dense network", "first weights"),
        *caption(1, "dense network", "trained"),
        *caption(2, "pruned network", "its mask is kept"),
        *caption(3, "ticket", "first weights again"),
        *caption(4, "ticket", "trained"),
    ]
    middles = [LEFT + number * (NETWORK + GAP) + NETWORK / 2 for number in range(5)]
    # Iterative pruning: from the trained ticket back to the pruning.
    back = middles[1] + (NETWORK + GAP) / 2
    parts += [
        f'<path d="M{middles[4]:.1f} 72 V40 H{back:.1f} V82" fill="none" stroke="{PALE}" '
        'stroke-width="1.4" stroke-dasharray="5 4" marker-end="url(#head)"/>',
        text((middles[4] + back) / 2, 31, "again, round by round: iterative pruning", PALE),
    ]
    # What is compared.
    y = BOTTOM + 54
    parts += [
        f'<path d="M{middles[1]:.1f} {y - 14} V{y} H{middles[4]:.1f} V{y - 14}" fill="none" '
        f'stroke="{INK}" stroke-width="1.4"/>',
        f'<rect x="{(middles[1] + middles[4]) / 2 - 80:.1f}" y="{y - 12}" width="160" height="24" '
        f'fill="{CARD}"/>',
        text((middles[1] + middles[4]) / 2, y + 4.5, "as accurate as dense", INK, bold=True),
    ]
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    Path(__file__).with_name("ticket.svg").write_text(drawing(), encoding="utf-8")
