# Two commands for a newcomer:
#   make try    set everything up and watch two real incidents being solved
#   make test   set everything up and run every check and test
# The environment is .venv; what is installed is pinned in the lock files.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2

.PHONY: try test lint types contracts pytest bench lock record docs clean

try: $(VENV)/.run
	@$(BIN)/viftrail try

test: lint types contracts pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev
	$(BIN)/lint-imports

pytest: $(VENV)/.dev
	$(BIN)/pytest -n $(JOBS) --dist loadgroup

bench: $(VENV)/.dev
	$(BIN)/python bench/startup.py
	$(BIN)/python bench/reader.py

# What is needed to run: the OVN packages where that is possible, and .venv.
$(VENV)/.run: requirements.lock pyproject.toml tools/prepare
	tools/prepare $(PYTHON) $(VENV) requirements.lock
	@touch $@

# What is needed to develop and test.
$(VENV)/.dev: requirements-dev.lock pyproject.toml tools/prepare
	tools/prepare $(PYTHON) $(VENV) requirements-dev.lock
	@touch $@ $(VENV)/.run

# Needs uv (https://docs.astral.sh/uv); the locks are universal for Python 3.10 to 3.13.
lock:
	uv pip compile --universal --python-version 3.10 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links --group run -o requirements.lock
	uv pip compile --universal --python-version 3.10 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links --group dev -o requirements-dev.lock

# Needs root: records each fault of the catalogue in the lab, for the tests.
record: $(VENV)/.dev
	$(BIN)/python tests/recorded/record.py

docs: $(VENV)/.run
	$(BIN)/viftrail faults -f markdown > docs/faults.md

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
