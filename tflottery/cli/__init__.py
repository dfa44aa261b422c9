"""The commands: one module each; ``bin/<name>`` runs ``tflottery.cli.<name>``."""

COMMANDS = {
    "inspect": "look at labelled texts before any work",
    "find_ticket": "find a winning ticket and write it to disk",
    "transfer": "take a ticket to other data and see whether it wins there",
    "tune_lr": "find the best learning rate of a ticket, or of every sparsity",
    "study": "compare methods and initialisations over seeds",
    "report": "make a page, figures and tables from finished studies",
    "export": "write a ticket as a model for TensorFlow Serving",
    "predict": "ask an exported model, here or on a server",
    "evaluate": "judge an exported model on labelled texts",
}
