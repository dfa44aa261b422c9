# Two commands on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# Most of a test's time is spent on one core: starting processes, tracing networks.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile --durations 40

.PHONY: help demo test test-all check bench clean

help:
	@echo "make demo      install, then find a ticket on the built-in toy reviews"
	@echo "make test      install, then run the tests (some minutes)"
	@echo "make test-all  the long tests too"
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

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# More of it: make bench BENCH=--avx2; PyTorch's rows: .venv/bin/pip install -e '.[bench]' before.
bench: $(INSTALLED)
	$(BIN)/python -m benchmarks --write docs/benchmarks.md $(BENCH)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
