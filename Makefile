# `make demo` and `make test` do everything on a fresh machine with python3, git and make.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: demo test test-deep mutation-check docs lint format clean

demo: $(INSTALLED)
	$(BIN)/backtest run strategies/relative_momentum.py --data data/btcusd_30m.parquet data/ethusd_30m.parquet \
		--symbol-map BTCUSD=BTCUSDT ETHUSD=ETHUSDT --venue binance_usdm --funding 0.0001 \
		--leverage 5 --margin-mode isolated --out runs/demo --report

test: lint
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest tests/test_differential.py tests/test_by_hand_*.py \
		tests/test_boundaries_*.py tests/test_peer_mistakes_*.py tests/test_trades.py tests/test_batches.py --hypothesis-profile=uncompiled

test-deep: $(INSTALLED)
	$(BIN)/python -m pytest tests/test_differential.py --numprocesses 2 --hypothesis-profile=deep

mutation-check: $(INSTALLED)
	$(BIN)/python tests/mutation_check.py --jobs 2

docs: $(INSTALLED)
	$(BIN)/python tests/fill_documents.py
	$(BIN)/python docs/pictures/make.py

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
