# The daily commands. Each completes the set-up first, which takes no time if it is complete.
#
# VENV is the folder of the environment; for conda: VENV="$CONDA_PREFIX" (see environment.yml).
export VENV ?= .venv
# Hundreds of processes import vidlib in a test run. Without this, each compiles it anew where the variable is set.
unexport PYTHONDONTWRITEBYTECODE
PYTHON_IN := $(VENV)/bin/python
SETUP := scripts/setup.sh
# uv repeats the `environments` of pyproject.toml behind every requirement
WITHOUT_ENVIRONMENT := s/ ; python_full_version < '3.15' and sys_platform == 'linux'$$//; s/ and sys_platform == 'linux'$$//

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast soak check format lab dashboard bench lock clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup: ## install system programs, Python packages and model weights
	@$(SETUP)

demo: ## run the whole pipeline on a delivery of two clips and print the path of the report
	@$(SETUP)
	@$(PYTHON_IN) -P -m vidlib.demo

# One process more than two cores: some tests wait for others. Each file stays in one process, which keeps its fixtures;
# tests/distribution.py says in which.
PYTEST := $(PYTHON_IN) -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder --durations=25

test: ## run the whole test suite, in about ten minutes on two cores
	@$(SETUP) chromium postgresql
	$(PYTEST)

test-fast: ## run the quick tests, in about a minute and a half: all but those that start kernels, servers or a browser
	@$(SETUP)
	$(PYTEST) -m "not slow"

soak: ## kill processes and fill disks hundreds of times, and count what was lost; takes an hour
	@$(SETUP)
	$(PYTHON_IN) -m tests.soak

check: ## check style, format, types, notebooks without outputs, import rules and documents
	@$(SETUP)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/nbstripout --keep-id --verify notebooks/*.ipynb notebooks/explore/*.ipynb dashboards/*.ipynb
	$(PYTHON_IN) -m pytest --quiet tests/test_imports.py tests/test_architecture.py tests/test_docs.py tests/docs

format: ## format code and notebooks, as `make check` expects
	@$(SETUP)
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format
	$(VENV)/bin/nbstripout --keep-id notebooks/*.ipynb notebooks/explore/*.ipynb dashboards/*.ipynb

lab: ## open the step notebooks in JupyterLab
	@$(SETUP)
	$(VENV)/bin/jupyter lab $$([ "$$(id -u)" = 0 ] && echo --allow-root) --notebook-dir=. notebooks

dashboard: ## serve the operators' page to this machine
	@$(SETUP)
	$(VENV)/bin/vidlib dashboard

bench: ## run every benchmark, one after another
	@$(SETUP)
	@for script in benchmarks/*.py; do echo "== $$script"; $(PYTHON_IN) "$$script" || exit; done

lock: ## write requirements.lock from pyproject.toml, for every supported Python
	@$(SETUP)
	$(VENV)/bin/uv pip compile --quiet pyproject.toml --all-extras --override overrides.txt --no-annotate --no-header \
	    --no-emit-package torch --universal --fork-strategy fewest --python-version 3.11 --output-file requirements.lock
	sed -i "$(WITHOUT_ENVIRONMENT)" requirements.lock

clean: ## remove the environment, caches and the demo; never a workspace
	chmod -Rf u+w workspace-demo || true # finished results are read-only
	rm -rf .venv workspace-demo build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
