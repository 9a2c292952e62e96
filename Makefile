# `make demo` and `make test` do everything on a fresh machine with python3, git and make.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: demo test test-deep lint format benchmark clean

demo: $(INSTALLED)
	$(BIN)/backtest run strategies/moving_average_cross.py --data data/btcusdt_1h.parquet --leverage 5 \
		--margin-mode isolated --venue binance_usdm --funding 0.0001 --param fast=20 --param slow=100 --out runs/demo

test: lint
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest tests/test_differential.py --hypothesis-profile=uncompiled

test-deep: $(INSTALLED)
	$(BIN)/python -m pytest tests/test_differential.py --numprocesses 2 --hypothesis-profile=deep

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv runs .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'error: Python 3.11 or newer is needed; name one with make PYTHON=...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo 'error: the venv module of $(PYTHON) is missing; on Debian: apt install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(INSTALLED)
