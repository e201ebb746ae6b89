# make claims: set up, then run the claims at the largest scale that this machine serves, ending in the verdict table.
# make test:   set up, then lint, type-check and test.
# Variables: PYTHON (3.11 to 3.13), WORKERS, ARGS (further arguments for pytest, such as --claims-data-root=DIR).

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -gt 4 ] && n=4; echo $$n)
ARGS ?=
BIN := $(VENV)/bin

.PHONY: claims test lint unit smoke benchmarks lock clean

claims: $(VENV)/ready
	$(BIN)/python -m pytest claims/ -m "$$($(BIN)/python -m harness marker)" -n $(WORKERS) $(ARGS)

test: lint unit smoke

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(VENV)/ready
	$(BIN)/python -m pytest tests -n $(WORKERS) --dist worksteal -q

smoke: $(VENV)/ready
	$(BIN)/python -m pytest -m smoke -n $(WORKERS) --claims-store=build/store --claims-report=build/report $(ARGS)

# Exact versions with hashes: --no-deps, because the file is complete and leaves opencv-python out on purpose.
$(VENV)/ready: requirements/setup.txt
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and "Python 3.11 to 3.13 is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/setup.txt
	touch $@

lock:
	uv pip compile pyproject.toml --extra lite --extra dev --universal --python-version 3.11 --generate-hashes \
		--override requirements/overrides.txt --no-emit-index-url --no-emit-find-links --no-annotate \
		--custom-compile-command "make lock" --output-file requirements/setup.txt

clean:
	rm -rf $(VENV) build claims-report
