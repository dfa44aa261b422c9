"""The report: what a study found, as a page, Markdown, figures and CSV.

It reads files only. Nothing in this package imports TensorFlow or the code that trains, so a report
can be made where a study's folder was copied to.
"""

from __future__ import annotations

from tflottery.report.reading import Study, load_study
from tflottery.report.writing import write_report

__all__ = ["Study", "load_study", "write_report"]
