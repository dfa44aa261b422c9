"""The commands: one module each; ``bin/<name>`` runs ``tflottery.cli.<name>``."""

COMMANDS = {
    "find_ticket": "find a winning ticket and write it to disk",
    "report": "show what studies found, as a page, figures, Markdown and CSV",
}
