# All tasks of this project; CI uses the same targets. `make` alone prints what each does.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# With compiled files the agents SDK starts eight seconds faster the second time.
unexport PYTHONDONTWRITEBYTECODE
# Settings of the caller's Python must not affect our virtual environment.
unexport PYTHONPATH
unexport PYTHONUNBUFFERED
unexport PYTHONHOME
unexport VIRTUAL_ENV

# prek installs hooks with uv, which has its own certificates; pip and git use those of the system.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export SSL_CERT_FILE ?= /etc/ssl/certs/ca-certificates.crt
endif

VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALL := $(PYTHON) -m pip install --quiet --disable-pip-version-check --no-input --compile
PRODUCT := $(VENV)/.product-installed
DEV := $(VENV)/.dev-installed
TEST_WORKERS ?= 2
LOCK := $(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --system-certs \
	--no-emit-index-url --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

.PHONY: help demo test torture check bench house lock schemas readme clean

help: ## Print what each target does
	@grep -hE '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) \
		| sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

demo: $(PRODUCT) ## Run the main use case on examples/ without a key or a network, and show the result
	@$(PYTHON) examples/demo.py

test: $(DEV) ## Run the whole test suite
	@$(PYTHON) -m pytest -n $(TEST_WORKERS) --dist worksteal $(PYTEST_ARGS)

torture: $(DEV) ## Hunt for secrets in every form, build with every toolchain, first runs in twelve repositories: long
	@CODEX_ORCHESTRATOR_TESTS=torture $(PYTHON) -m pytest -n $(TEST_WORKERS) tests/acceptance/test_canary_hunt.py \
	  tests/system/test_confinement_tools.py tests/adapters tests/real $(PYTEST_ARGS)

check: $(DEV) ## Lint, format, types, import contracts, budgets: quick, and changes nothing
	@echo "ruff check" && $(VENV)/bin/ruff check .
	@echo "ruff format" && $(VENV)/bin/ruff format --check .
	@echo "mypy" && $(VENV)/bin/mypy
	@echo "import contracts" && $(VENV)/bin/lint-imports --no-cache
	@echo "budgets" && $(PYTHON) -m pytest -q tests/house

bench: $(DEV) ## Measure speed side by side and print ratios
	@$(PYTHON) -m benchmarks $(BENCH_ARGS)

house: $(DEV) ## Print the measures of the source code, each with its bound
	@$(PYTHON) scripts/measure_house.py $(HOUSE_ARGS)

schemas: $(DEV) ## Generate schemas/ from the models
	@$(PYTHON) -m codex_orchestrator.model.schemas schemas

readme: $(DEV) ## Generate the parts of README.md that show help text, action and hooks
	@$(PYTHON) scripts/fill_readme.py

lock: $(PYTHON) ## Resolve the lock files again (UPGRADE=1 upgrades versions)
	@$(INSTALL) --require-hashes -r requirements/uv.lock
	@$(LOCK) --all-extras --group dev pyproject.toml -o requirements/dev.lock
	@$(LOCK) --extra agents --extra patterns --extra github --extra catalog \
		--extra report --group build -c requirements/dev.lock pyproject.toml \
		-o requirements/product.lock
	@echo uv | $(LOCK) - -o requirements/uv.lock

clean: ## Remove everything that these targets made
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis \
		build dist

# One environment with two stamp files: the demo needs only the product, tests need everything. The
# second lock file has the same versions and more packages.
$(PRODUCT): requirements/product.lock pyproject.toml | $(PYTHON)
	@[ -e $(DEV) ] && [ $(DEV) -nt requirements/dev.lock ] && [ $(DEV) -nt pyproject.toml ] \
		|| { echo "installing the product into $(VENV) (hash-checked)"; \
			$(INSTALL) --require-hashes -r requirements/product.lock; \
			$(INSTALL) --no-deps --no-build-isolation --editable .; }
	@touch $@

$(DEV): requirements/dev.lock pyproject.toml | $(PYTHON)
	@echo "installing the product and the test set-up into $(VENV) (hash-checked)"
	@$(INSTALL) --require-hashes -r requirements/dev.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(PYTHON):
	@scripts/make_venv.sh $(VENV)
