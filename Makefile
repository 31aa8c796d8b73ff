# `make demo` and `make test` need python3 (3.11 or newer) and make; they bring everything else themselves.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo test check lint types imports tests night simulate coverage test-odoo audit sbom image-digest format lock wheel clean
.DEFAULT_GOAL := help

help:  ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

$(VENV)/.app: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Reglament needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.app requirements-dev.lock
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

demo: $(VENV)/.app  ## a made-up company lives thirty days: no accounts, no servers
	@$(BIN)/reglament demo --dir demo-out

test: tests  ## all of the tests, side by side on up to four processors

check: lint types tests  ## what CI runs: lint, types, tests (the import contract is one)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@! grep -nE 'https?://|file://|^--(index|extra|find)' requirements*.lock

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

# Twice as many workers as processors: tests wait for databases and processes a third of their time.
WORKERS := $(shell $(PYTHON) -c "import os; print(min(4, 2 * (os.cpu_count() or 1)))")
PYTEST := $(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal
tests: $(VENV)/.dev
	$(PYTEST)

night: $(VENV)/.dev  ## every mutated answer of every CRM, not a sample of them
	MUTATIONS=all $(PYTEST) tests/crm_clients -k wrong_form

SEEDS ?= 12
FROM ?= 0
ON ?= sqlite postgresql
DEATHS ?= some
simulate: $(VENV)/.dev  ## months of made-up companies, a seed each, with every trouble: make simulate SEEDS=10000 FROM=0
	SIMULATE_FROM=$(FROM) SIMULATE_SEEDS=$(SEEDS) SIMULATE_ON="$(ON)" SIMULATE_DEATHS=$(DEATHS) $(PYTEST) tests/simulation/simulate.py

# Apart from `check`: measuring takes about three times the processor. The floors stand in pyproject.toml and
# tests/conftest.py; nothing is printed after pytest's closing line.
coverage: $(VENV)/.dev  ## all of the tests with the lines and branches they run, against the floors
	$(PYTEST) --cov --cov-report=

test-odoo: $(VENV)/.dev  ## the Odoo client against the server at ODOO_URL, ODOO_DATABASE, ODOO_LOGIN, ODOO_API_KEY
	$(BIN)/pytest -m odoo tests/crm_clients

audit: $(VENV)/.app  ## known weaknesses of the locked versions; asks the package index
	$(PIP) install pip-audit
	$(BIN)/pip-audit --require-hashes --disable-pip --requirement requirements.lock

# Tools with dependencies of their own: in an environment of their own, so that the program's stays as locked.
sbom: $(VENV)/.app  ## what the program is made of: dist/sbom.cdx.json (CycloneDX) and dist/licences.md
	@test -x $(VENV)/sbom/bin/python || $(PYTHON) -m venv $(VENV)/sbom
	$(VENV)/sbom/bin/python -m pip --disable-pip-version-check --quiet install cyclonedx-bom pip-licenses
	@mkdir -p dist
	$(VENV)/sbom/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible \
	  --of JSON -o dist/sbom.cdx.json
	$(VENV)/sbom/bin/pip-licenses --python $(BIN)/python --format markdown --output-file dist/licences.md \
	  --packages $$(sed -nE 's/^([A-Za-z0-9._-]+)==.*/\1/p' requirements.lock)

BASE := $(shell sed -nE 's/^FROM ([^$$ ]+)[$$].*/\1/p' Dockerfile | head -1)
POSTGRES := $(shell sed -nE 's/^ *image: (postgres[^$$ ]+)[$$].*/\1/p' compose.yaml)
DIGEST_OF = docker buildx imagetools inspect --format '{{.Manifest.Digest}}'
image-digest:  ## the digests of the base images into .env, for compose.yaml; asks the registry of images
	@base=$$($(DIGEST_OF) $(BASE)) && postgres=$$($(DIGEST_OF) $(POSTGRES)) && touch .env && \
	  sed -i.before -e '/^BASE_DIGEST=/d' -e '/^POSTGRES_DIGEST=/d' .env && rm .env.before && \
	  printf 'BASE_DIGEST=%s\nPOSTGRES_DIGEST=%s\n' "$$base" "$$postgres" | tee -a .env

format: $(VENV)/.dev  ## put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 --extra postgres pyproject.toml
lock:  ## renew the locked requirements (names, versions, hashes; no addresses)
	$(PIP) install uv
	$(LOCK) -o requirements.lock
	$(LOCK) --group dev -o requirements-dev.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
	  --constraint requirements-dev.lock --group pyproject.toml:build -o requirements-build.lock

wheel: $(VENV)/.dev  ## build the wheel into dist/
	$(PIP) wheel --no-deps --wheel-dir dist .

clean:  ## remove what the commands made
	rm -rf $(VENV) .coverage dist demo-out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
