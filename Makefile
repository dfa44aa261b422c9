# Two commands on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# Most of a test's time is spent on one core: starting processes, tracing networks.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile --durations 40

.PHONY: help demo test test-all test-pythons docs check bench clean

help:
	@echo "make demo      install, then find a ticket on the built-in toy reviews"
	@echo "make test      install, then run the tests (some minutes)"
	@echo "make test-all  the long tests too"
	@echo "make test-pythons  the quick tests on every Python that is here (1 GB of downloads each)"
	@echo "make docs      the site of the documentation, in site/"
	@echo "make check     ruff and the type checker"
	@echo "make bench     what tflottery costs and saves, for docs/benchmarks.md"
	@echo "make clean     remove .venv and caches; runs/ and tickets/ stay"

# Made anew whenever the dependencies change.
$(INSTALLED): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable ".[dev]"
	@touch $@

demo: $(INSTALLED)
	bin/find_ticket --dataset toy

test: $(INSTALLED)
	$(PYTEST)

test-all: $(INSTALLED)
	$(PYTEST) -m ""

# PYTHONS="-- --write" writes docs/compatibility.md; PYTHONS="-s lowest" tries the lowest bounds.
test-pythons: $(INSTALLED)
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && $(BIN)/nox --envdir "$$folder" $(PYTHONS)

docs: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# More of it: make bench BENCH=--avx2; PyTorch's rows: .venv/bin/pip install -e '.[bench]' before.
bench: $(INSTALLED)
	$(BIN)/python -m benchmarks --write docs/benchmarks.md $(BENCH)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build site *.egg-info
