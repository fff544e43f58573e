# What a person types here. `make` alone lists it; every command sets itself up first.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

ARGS ?=
BIN := .venv/bin
LOG := .venv/set-up.log
UV := uv==0.13.9

.PHONY: help demo test check format bench soak lock clean scanners demo-packages test-packages

help:  ## list these commands
	@echo "Firmward. Pass options with ARGS, for example: make demo ARGS=--keep"
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1@\2/p' $(MAKEFILE_LIST) | column -t -s @ 2>/dev/null \
	  || sed -nE 's/^([a-z]+):.*## (.*)/  make \1: \2/p' $(MAKEFILE_LIST)

demo: .venv/run.stamp .venv/package.stamp demo-packages  ## play the whole loop against a live server and 24 emulated devices
	@$(BIN)/firmward lab demo $(ARGS)

test: .venv/dev.stamp .venv/package.stamp test-packages scanners  ## run every test but the soak campaigns, on two cores
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not soak" $(ARGS)

check: .venv/dev.stamp .venv/package.stamp  ## lint, format, types, import contracts, docs against code
	@echo "check: style";            $(BIN)/ruff check .
	@echo "check: format";           $(BIN)/ruff format --check --quiet . || { echo "run: make format"; exit 1; }
	@echo "check: types";            $(BIN)/mypy
	@echo "check: import contracts"; $(BIN)/lint-imports --no-logo
	@echo "check: docs and shape";   $(BIN)/python -m pytest -q tests/shape

format: .venv/dev.stamp  ## lay the code out and fix what the linter can
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

bench: .venv/dev.stamp .venv/package.stamp test-packages scanners  ## measure each figure beside its limit or peer (one: ARGS=bench/boot_fleet.py)
	@for figure in $(or $(ARGS),$(sort $(wildcard bench/*.py))); do $(BIN)/python $$figure; done

soak: .venv/dev.stamp .venv/package.stamp test-packages scanners  ## run the long campaigns that `make test` leaves out
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m soak --timeout 7200 $(ARGS)

lock: .venv/bin/python  ## choose the newest allowed versions again and write their hashes
	@test -x .cache/lock/bin/uv || { $(BIN)/python -m venv .cache/lock && .cache/lock/bin/pip install -q '$(UV)'; }
	@$(call compile,requirements/run.lock)
	@$(call compile,requirements/dev.lock,--group dev --constraint requirements/run.lock)
	@for listed in src/firmward/vendor/scan/tools/locks/*.in; do \
	  .cache/lock/bin/uv pip compile $$listed --universal --python-version 3.11 --generate-hashes \
	    --upgrade --quiet --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command "make lock" -o $${listed%.in}.lock; done
	@git --no-pager diff --stat -- requirements src/firmward/vendor/scan/tools/locks || true

compile = .cache/lock/bin/uv pip compile pyproject.toml requirements/build.in $(2) \
	--universal --python-version 3.11 --generate-hashes --upgrade --quiet \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" -o $(1)

clean:  ## remove everything that make made
	@rm -rf .venv .cache build dist var .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@rm -rf src/*.egg-info

# ---- set-up: one stamp per step, so that a second run starts at once ----

# A virtual environment whose Python has gone is made anew, and its stamps go with it.
.venv/bin/python:
	@python=$$($(find_python)); \
	if [ -z "$$python" ]; then \
	  echo "Firmward needs Python 3.11 or newer, and found none on PATH." >&2; \
	  echo "On Debian or Ubuntu: sudo apt-get install python3 python3-venv" >&2; exit 1; fi; \
	if ! "$$python" -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "$$python has no venv module." >&2; \
	  echo "On Debian or Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; fi; \
	echo "set-up: making .venv with $$("$$python" -V)"; \
	"$$python" -m venv --clear .venv

find_python = for candidate in $(PYTHON) python3 python3.11 python3.12 python3.13 python3.14; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then echo "$$candidate"; break; fi; done

# The lock is complete and every file in it is a wheel: nothing is resolved, nothing runs at install.
define install_locked
	@echo "set-up: fetching $$(grep -c '==' $(1)) packages, the C compiler and the CPU emulator among them"
	@$(BIN)/python -m pip install --disable-pip-version-check --no-deps --only-binary :all: \
	  --require-hashes --progress-bar off -r $(1) 2>&1 | tee $(LOG) \
	  | sed -unE -e 's/^ *Downloading ([^ /]*\/)*([A-Za-z0-9_.]+)-([0-9][^-]*)-[^ ]* (\(.* MB\))$$/  \2 \3 \4/p' \
	    -e 's/^Installing collected packages.*/  unpacking: about half a minute/p' \
	  || { echo "set-up failed:" >&2; tail -n 15 $(LOG) >&2; exit 1; }
endef

.venv/run.stamp: .venv/bin/python requirements/run.lock
	$(call install_locked,requirements/run.lock)
	@touch $@

.venv/dev.stamp: .venv/bin/python requirements/dev.lock
	$(call install_locked,requirements/dev.lock)
	@touch .venv/run.stamp $@

# The run lock holds the build back end too: set-up asks no index for anything unlocked.
.venv/package.stamp: pyproject.toml | .venv/run.stamp
	@echo "set-up: installing firmward from this folder"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet \
	  --no-deps --no-build-isolation -e .
	@touch $@

# Each scanner has a locked environment of its own, kept in the account's cache.
scanners: .venv/package.stamp
	@$(BIN)/firmward vendor scanners install

demo-packages:
	@$(call install_packages,demo)

test-packages:
	@$(call install_packages,.*)

define install_packages
	missing=$$(grep -E '^$(1)	' requirements/debian.txt | grep -v '^#' | while IFS=$$'\t' read -r _ command package _; do \
	  command -v "$$command" >/dev/null || echo "$$package"; done | xargs); \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ]; then as_root=; \
	elif sudo -n true 2>/dev/null; then as_root="sudo -n"; \
	else echo "Missing: $$missing. Run: sudo apt-get install $$missing" >&2; exit 1; fi; \
	echo "set-up: installing $$missing from Debian"; \
	$$as_root apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive $$as_root apt-get install -qq -y --no-install-recommends $$missing
endef
