# `make demo` and `make test` each do all the set-up that they need; `make help` lists the rest.
SHELL := /bin/bash
BIN := .venv/bin
# Folder with real data sets to run the demo on (see README.md); simulated recordings without it.
DATA ?=

# Files of tests run side by side, and those of one file one after the other; TOGETHER= for no such thing.
# Three on two cores: many tests wait, for nodes to find each other or for a recording that is played.
# They begin in the order of test/conftest.py, the long ones first: without the last option, those with
# few tests would be last, however long.
TOGETHER ?= -n 3 --dist loadfile --no-loadscope-reorder
# Tests start some hundred processes, each of which would compile the package again.
export PYTHONDONTWRITEBYTECODE :=
CHECK_FORMAT := $(BIN)/ruff format --check .
LINT := $(BIN)/ruff check .
TYPES := $(BIN)/mypy

.DEFAULT_GOAL := help
.PHONY: help setup demo test check-format lint types docs format clean

help:  ## Say what can be made
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup:  ## Make .venv, with everything that is needed to run and test (quick when it is there)
	@standalone/setup $(SETUP_OPTIONS)

demo: setup  ## Record, train, deploy, replay and compare on simulated recordings (DATA=FOLDER: on real ones)
	@$(BIN)/xmodal demo --out demo $(if $(DATA),--data '$(DATA)')

test: SETUP_OPTIONS := --for-tests
test: setup  ## Check format, style and types, then run the tests
	@failed=; types=$$(mktemp); trap 'rm -f "$$types"' EXIT; \
	$(CHECK_FORMAT) || failed="$$failed format"; \
	$(LINT) || failed="$$failed lint"; \
	$(TYPES) >"$$types" 2>&1 & checking=$$!; \
	$(BIN)/pytest $(TOGETHER) || failed="$$failed tests"; \
	wait "$$checking" || failed="$$failed types"; \
	cat "$$types"; \
	[ -z "$$failed" ] || { echo "not passed, see above:$$failed"; false; }

check-format: setup  ## Check the format only
	@$(CHECK_FORMAT)

lint: setup  ## Check the style only
	@$(LINT)

types: setup  ## Check the types only
	@$(TYPES)

# An environment of its own, for nothing of it is needed to run or test.
DOCS_TOOLS := build/docs_tools
$(DOCS_TOOLS)/made: standalone/requirements/docs.txt
	@python3 -m venv --clear $(DOCS_TOOLS)
	@$(DOCS_TOOLS)/bin/python -m pip install -qq --disable-pip-version-check -r $<
	@touch $@

docs: $(DOCS_TOOLS)/made  ## Build the documentation as pages that need no network: build/docs/index.html
	@$(DOCS_TOOLS)/bin/sphinx-build --quiet --fail-on-warning --keep-going docs build/docs
	@echo 'open build/docs/index.html in a browser'

format: setup  ## Format the code, and correct what can be corrected automatically
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

clean:  ## Remove everything that was made, .venv included
	rm -rf .venv .venv.removed build install log demo *.egg-info
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find xmodal_ros standalone test launch examples benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
