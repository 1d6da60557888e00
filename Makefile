# The daily commands. Each sets up what it needs first; that takes no time when nothing is to be done.
#
# VENV names the environment; conda users say VENV="$CONDA_PREFIX" (see environment.yml).
export VENV ?= .venv
PYTHON_IN := $(VENV)/bin/python
SETUP := scripts/setup.sh
# uv repeats the `environments` of pyproject.toml behind every requirement
WITHOUT_ENVIRONMENT := s/ ; python_full_version < '3.15' and sys_platform == 'linux'$$//; s/ and sys_platform == 'linux'$$//

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak check format lab dashboard bench lock clean

help: ## these lines
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

setup: ## system programs, Python packages, model weights
	@$(SETUP)

demo: ## the whole pipeline on a delivery of two clips; ends with where the report is
	@$(SETUP)
	@$(PYTHON_IN) -m vidlib.demo

test: ## the whole test suite
	@$(SETUP) chromium postgresql
	$(PYTHON_IN) -m pytest --numprocesses 2 --dist loadfile

soak: ## kills, failing and full disks by the hundred, and what was lost; an hour or more
	@$(SETUP)
	$(PYTHON_IN) -m tests.soak

check: ## lint, format, notebooks without outputs, imports that point down
	@$(SETUP)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/nbstripout --keep-id --verify notebooks/*.ipynb notebooks/explore/*.ipynb dashboards/*.ipynb
	$(PYTHON_IN) -m pytest --quiet tests/test_imports.py tests/test_docs.py

format: ## put code and notebooks into the form that `make check` wants
	@$(SETUP)
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format
	$(VENV)/bin/nbstripout --keep-id notebooks/*.ipynb notebooks/explore/*.ipynb dashboards/*.ipynb

lab: ## JupyterLab on the step notebooks
	@$(SETUP)
	$(VENV)/bin/jupyter lab $$([ "$$(id -u)" = 0 ] && echo --allow-root) --notebook-dir=. notebooks

dashboard: ## the operators' page, on this machine only
	@$(SETUP)
	$(VENV)/bin/vidlib dashboard

bench: ## every benchmark, one after another
	@$(SETUP)
	@for script in benchmarks/*.py; do echo "== $$script"; $(PYTHON_IN) "$$script" || exit; done

lock: ## write requirements.lock from pyproject.toml, for every supported Python
	@$(SETUP)
	$(VENV)/bin/uv pip compile --quiet pyproject.toml --all-extras --override overrides.txt --no-annotate --no-header \
	    --no-emit-package torch --universal --fork-strategy fewest --python-version 3.11 --output-file requirements.lock
	sed -i "$(WITHOUT_ENVIRONMENT)" requirements.lock

clean: ## what can be made again: environment, caches, demo; never a workspace
	rm -rf .venv workspace-demo build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
