# flask-proview. `make help` lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check

.PHONY: help run test fast lint format bench chaos sdk lock system clean

help: ## This list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt setup.cfg | $(BIN)/python
	$(PIP) --require-hashes -r requirements/run.txt
	$(PIP) --require-hashes -r requirements/build.txt
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

node_modules/.installed: package.json package-lock.json
	npm ci --no-audit --no-fund --silent
	@touch $@

system: ## Install the system packages that the tests use (Debian; skipped where they exist)
	@scripts/install-system-packages

run: $(VENV)/.run ## Start the demo: a legacy exam site, proctored; console; media. Ctrl-C stops it
	@$(BIN)/python -m demo_app

test: $(VENV)/.dev node_modules/.installed system ## The whole suite, browser tests included
	@scripts/run-tests

fast: $(VENV)/.dev ## Tests that need neither browser nor system services
	$(BIN)/python -m pytest -q -n auto -m "not browser and not system"

lint: $(VENV)/.dev node_modules/.installed ## ruff, mypy strict, type check of the JavaScript
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	node_modules/.bin/tsc -p tsconfig.json

format: $(VENV)/.dev ## Format the Python code
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

$(VENV)/peers/.installed: requirements/bench.txt | $(BIN)/python
	$(PYTHON) -m venv $(VENV)/peers
	$(VENV)/peers/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

bench: $(VENV)/.dev $(VENV)/peers/.installed system ## Benchmarks: ratios against named peers, in CPU-seconds
	@$(BIN)/python -m bench

chaos: $(VENV)/.dev ## Every fault, with a report: SIGKILLs, restarts, page loads, network, disks, databases, clocks (an hour)
	@$(BIN)/python -m tests.chaos

sdk: node_modules/.installed $(VENV)/.run ## Bundle static/sdk into static/bundle (commit the result)
	@$(BIN)/python scripts/build-sdk

lock: $(VENV)/.dev ## Resolve setup.cfg and requirements/dev.in into hashed lock files
	$(BIN)/uv pip compile -q --no-header --generate-hashes --no-emit-index-url --no-emit-find-links --upgrade setup.cfg -o requirements/run.txt
	$(BIN)/uv pip compile -q --no-header --generate-hashes --no-emit-index-url --no-emit-find-links --upgrade setup.cfg requirements/dev.in -c requirements/run.txt -o requirements/dev.txt
	$(BIN)/uv pip compile -q --no-header --generate-hashes --no-emit-index-url --no-emit-find-links -c requirements/dev.txt requirements/build.in -o requirements/build.txt
	$(BIN)/uv pip compile -q --no-header --generate-hashes --no-emit-index-url --no-emit-find-links --upgrade requirements/bench.in -o requirements/bench.txt

clean: ## Remove what the targets made (not var/)
	rm -rf $(VENV) node_modules build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
