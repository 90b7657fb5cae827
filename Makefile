# The commands of the house. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup build gitea up down test check format crds chart-values install-yaml wheels bench clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | column -t -s "$$(printf '\t')"

$(STAMP): pyproject.toml requirements.lock toolbox/pyproject.toml localkube/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tiphys needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 …" >&2; exit 1; }
	@echo "Installing Python dependencies into $(VENV) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . -e toolbox -e localkube
	@touch $@

setup: $(STAMP) ## the virtual environment with everything the project needs

build: setup ## the two Go programs, once per version, into a cache
	@$(BIN)/python -m tiphys.local.build

gitea: setup ## a real Gitea that tests of pull requests and webhooks ask, which are skipped without it
	@cd tests && ../$(BIN)/python -m gitea

up: build ## the whole platform on this machine, with a live view; NODE=real runs real containers
	@$(BIN)/tiphys up $(if $(NODE),--node $(NODE))

down: setup ## stop what `make up` started; nothing is lost
	@$(BIN)/tiphys local stop

test: build ## all tests
	@$(BIN)/pytest -n 2 --dist loadgroup

check: setup ## types, lint, contracts, nothing written twice
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/pytest tests/house/test_nothing_twice.py

format: setup ## put the code in the house's format
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

crds: setup ## write the definitions in deploy/chart/crds from the types
	@$(BIN)/python deploy/crds.py

install-yaml: build ## write deploy/install.yaml from the chart
	@$(BIN)/python deploy/install_yaml.py

chart-values: setup ## write docs/reference/chart-values.md from the chart's values
	@$(BIN)/python deploy/chart_values.py

wheels: build ## the three wheels for this machine, into dist/
	@$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist . ./toolbox ./localkube
	@ls -1 dist

bench: build ## figures: N applications through the engine, and the start of the command line
	@$(BIN)/python bench/start.py
	@$(BIN)/python bench/many.py

clean: ## remove what was made in the checkout (caches and running platforms stay)
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
