# Everything a newcomer needs: `make serve` starts the product, `make test` proves it.
PYTHON ?= python3
VENV ?= .venv
LOCK ?= requirements/constraints.txt
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK)
SERVED := $(VENV)/.served
INSTALLED := $(VENV)/.installed
NODE_MODULES := tests/web/node_modules/.installed

.PHONY: serve install lock test test-latest test-servers test-browser check-generated-client prove-durability prove-photos screenshots check format clean

# The product alone: no test tools, and none of the heavy packages of engines that are chosen later.
serve: $(SERVED)
	$(BIN)/pixel-agent serve

install: $(INSTALLED)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(SERVED): pyproject.toml $(LOCK) | $(BIN)/python
	$(PIP) --editable .
	touch $(SERVED)

# Test tools, and PyTorch for the engine that runs the model in this process; its CPU build where pip has been told of it.
$(INSTALLED): pyproject.toml $(LOCK) | $(BIN)/python
	$(PIP) --editable '.[test]'
	touch $(INSTALLED) $(SERVED)

# The newest releases that pyproject.toml allows become those that everybody installs; run the tests before committing.
lock: | $(BIN)/python
	$(BIN)/python scripts/lock.py > $(VENV)/constraints.txt
	mv $(VENV)/constraints.txt requirements/constraints.txt

test: install
	$(BIN)/python -m pytest -m "not browser and not e2e" --cov --cov-report=term --cov-fail-under=90

# The same tests on the newest releases that pyproject.toml allows, in an environment of their own.
test-latest:
	rm -f .venv-latest/.installed
	$(MAKE) test VENV=.venv-latest LOCK=/dev/null PIP='.venv-latest/bin/python -m pip install --quiet --upgrade --upgrade-strategy eager'

# Real server processes: killed, overloaded, out of disk, asked by clients.
test-servers: install
	$(BIN)/python -m pytest -m e2e

# The terminal in a real Chromium against real servers: takes about as long again.
test-browser: install
	$(BIN)/python -m pytest tests/browser

# A client that is generated from the OpenAPI document; its generator has an environment of its own, since it wants an older typer.
check-generated-client: install
	test -x .venv-generator/bin/python || $(PYTHON) -m venv .venv-generator
	.venv-generator/bin/python -m pip install --quiet --disable-pip-version-check openapi-python-client
	$(BIN)/python -m tests.e2e.generated_client .venv-generator/bin/python

# Servers are killed at random while 500 accepted scans run, on SQLite and on PostgreSQL: takes some minutes.
prove-durability: install
	$(BIN)/python -m tests.e2e.durability

# Sends mutated pictures of every format to a real server: make prove-photos COUNT=100000
prove-photos: install
	$(BIN)/python -m tests.e2e.photos $(COUNT)

# Pictures of every screen in both languages, for docs/guide.md: needs Chromium, takes a few minutes.
screenshots: install
	$(BIN)/python -m tests.browser.screenshots

# Python, and the page's JavaScript: Node is for checking only.
check: install $(NODE_MODULES)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	npm --prefix tests/web run --silent check

$(NODE_MODULES): tests/web/package-lock.json
	@command -v npm >/dev/null || { echo 'make check needs Node.js 18 or newer with npm. Debian: apt-get install nodejs npm' >&2; exit 1; }
	npm ci --prefix tests/web --silent --no-audit --no-fund
	touch $(NODE_MODULES)

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .venv-latest build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .coverage tests/web/node_modules
