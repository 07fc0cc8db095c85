# Two commands for a newcomer:
#   make try    set everything up and watch two real incidents being solved
#   make test   set everything up, check and test; a quarter of an hour on two cores
# What CI runs:
#   make test-all   the same with what is slow: a whole OpenStack, a round for every fault
# The environment is .venv; what is installed is pinned in the lock files.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2

.PHONY: try test test-all lint types contracts pytest pytest-all bench score score-openstack lock record docs clean

try: $(VENV)/.run
	@$(BIN)/viftrail try

test: lint types contracts pytest

test-all: lint types contracts pytest-all

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev
	$(BIN)/lint-imports

pytest: $(VENV)/.dev
	$(BIN)/python -m compileall -q src
	$(BIN)/pytest -n $(JOBS) --dist loadgroup -m "not slow"

pytest-all: $(VENV)/.dev
	$(BIN)/python -m compileall -q src
	$(BIN)/pytest -n $(JOBS) --dist loadgroup

# Makes clouds of up to 200,000 ports in ~/.cache/viftrail-bench once: 10 minutes, 4 GB, and
# 13 GB of memory. Then half an hour, and 8 GB of memory.
bench: $(VENV)/.dev $(VENV)/.peers
	$(BIN)/python bench/run.py --peers $(VENV)/bench/bin/python
	$(BIN)/python bench/score.py

$(VENV)/.peers: requirements-bench.lock $(VENV)/.dev
	$(PYTHON) -m venv $(VENV)/bench
	$(VENV)/bench/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

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
	uv pip compile --universal --python-version 3.10 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links --group bench -o requirements-bench.lock
	cd src/viftrail/lab/openstack && uv pip compile --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-emit-index-url --no-emit-find-links requirements.in \
	  -o requirements.lock

# Needs root, and a quarter of an hour: every fault in a fresh lab, then pairs of them.
score: $(VENV)/.run
	$(BIN)/viftrail lab score -v -f markdown -o docs/score.md
	$(BIN)/viftrail lab score -v --pairs

# Needs root, half an hour and 8 GB of memory: every fault that takes an OpenStack, in one.
score-openstack: $(VENV)/.run
	$(BIN)/viftrail lab prepare
	$(BIN)/viftrail lab score --openstack -v -f markdown -o docs/score-openstack.md

# Needs root: records each fault of the catalogue in the lab, for the tests.
record: $(VENV)/.dev
	$(BIN)/python tests/recorded/record.py

docs: $(VENV)/.run
	$(BIN)/viftrail faults -f markdown > docs/faults.md

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
