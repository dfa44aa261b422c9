"""The part that a process has in a search by several, by keras-tuner's environment variables."""

from __future__ import annotations

import os

from tflottery.errors import UserError

ALONE, CHIEF, WORKER = "alone", "chief", "worker"
ID, ADDRESS, PORT = "KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT"


def role() -> str:
    """What this process does in a distributed search, by keras-tuner's environment variables.

    Raises:
        UserError: some of them are missing.
    """
    if not {ADDRESS, PORT} & set(os.environ):
        return ALONE
    if missing := [name for name in (ID, ADDRESS, PORT) if not os.environ.get(name)]:
        raise UserError(
            f"A distributed search needs {', '.join(missing)} too: {ID} is chief in one process "
            f"and tuner0, tuner1, … in the others; {ADDRESS} and {PORT} say where the chief is."
        )
    return CHIEF if "chief" in os.environ[ID] else WORKER


def place(mine: str) -> str:
    """Where the chief and its workers meet, in words."""
    address = f"{os.environ[ADDRESS]}:{os.environ[PORT]}"
    if mine == CHIEF:
        return f"Chief: hands out trials at {address}, until the workers have done them."
    return f"Worker {os.environ[ID]}: takes trials from the chief at {address}, once it is there."
