"""The file that keeps what decides a class, by its name and format: for whoever only reads it."""

from __future__ import annotations

FILE, FORMAT_VERSION = "deciding.json", 1
