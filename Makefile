# Every target makes .venv first when it is missing. Options: DEVICE=cpu|gpu, TORCH_INDEX=<wheel index>, PYTHON=<3.11 or 3.12>,
# BENCH=<options of python -m autovoice.bench>.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help venv repro regression test coverage lint bench ui docs notebooks clean lock params deps

DEVICE ?= cpu
TORCH_INDEX ?=
PORT ?= 5000
BENCH ?=
SUPPORTED := import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do $$p -c "$(SUPPORTED)" 2>/dev/null && echo $$p && break; done)
STAMP := .venv/stamp-$(DEVICE)

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export OMP_WAIT_POLICY := PASSIVE
export MLFLOW_DISABLE_TELEMETRY := true
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION := false
export DVC_NO_ANALYTICS := 1
export PYTHONUTF8 := 1
unexport PYTHONPATH PYTHONHOME

help:  ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */  make \1\t/' | expand -t 18

venv: $(STAMP)  ## .venv with the locked packages

$(STAMP): requirements/lock.txt pyproject.toml
	@case "$(DEVICE)" in cpu|gpu) ;; *) echo "make: DEVICE=$(DEVICE) is neither cpu nor gpu" >&2; exit 2;; esac
	@[ -n "$(PYTHON)" ] && $(PYTHON) -c "$(SUPPORTED)" || { echo "make: needs Python 3.11 or 3.12; name one: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@command -v git >/dev/null || { echo "make: needs git" >&2; exit 2; }
	@[ -x .venv/bin/python ] || $(PYTHON) -m venv .venv
	@if compgen -G '.venv/stamp-*' >/dev/null && [ ! -e $(STAMP) ]; then rm -f .venv/stamp-*; pip uninstall --quiet --yes torch; fi
	pip install --quiet --no-compile --disable-pip-version-check $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -r requirements/lock.txt
	python -m compileall -q -j 0 -x '/tests?/' .venv/lib >/dev/null 2>&1 || true  # on all cores; a few templates are no Python
	pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	pip check
	@[ "$(DEVICE)" = cpu ] || python -c "import torch, sys; sys.exit(torch.version.cuda is None and 'make: this torch is the CPU build; name the CUDA wheels: make TORCH_INDEX=...')"
	@touch $@

repro: venv  ## recordings to report: run what changed, print the metrics; a red gate is an error
	@$(RUN_PIPELINE)

regression: venv  ## the same with everything measured anew, and the table as Markdown
	@$(RUN_PIPELINE)

regression: AGAIN := --force
regression: FORMAT := --markdown
define RUN_PIPELINE
if [ "$(DEVICE)" = gpu ]; then python -m autovoice.config trainer=gpu > .params.tmp && mv .params.tmp params.yaml; fi; \
mkdir -p .dvc/tmp; touch .dvc/tmp/started; status=0; dvc repro $(AGAIN) || status=$$?; \
if [ $$status -eq 0 ] || [ data/gate/verdict.json -nt .dvc/tmp/started ]; then python scripts/show_metrics.py $(FORMAT); fi; exit $$status
endef

test: lint  ## lint and all tests but those marked slow
	OMP_NUM_THREADS=1 python -m pytest -n 2 --dist loadfile -m "not slow"

coverage: venv  ## all tests, the slow ones too, and at least 90 % of the lines and 80 % of the branches of src
	OMP_NUM_THREADS=1 python -m pytest -n 2 --dist loadfile --cov=src/autovoice --cov-branch --cov-report=json:.coverage.json
	python scripts/check_coverage.py .coverage.json

lint: venv  ## ruff, mypy, import-linter, and of the workflows and the Dockerfile zizmor, actionlint (where it is installed) and hadolint
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	zizmor --offline --quiet .github
	@if command -v actionlint >/dev/null; then actionlint -shellcheck= -pyflakes=; else echo "actionlint is not installed: left to ci.yml"; fi
	hadolint Dockerfile

bench: venv  ## speed and memory of each preset and two baselines, and against length
	python -m autovoice.bench $(BENCH)

ui: venv  ## MLflow on http://127.0.0.1:5000 (PORT=...)
	mlflow server --backend-store-uri "sqlite:///$(CURDIR)/mlflow.db" --default-artifact-root "$(CURDIR)/mlartifacts" \
	  --host 127.0.0.1 --port $(PORT) --workers 1

docs: venv  ## the documentation's site in site/; a link that leads nowhere is an error
	pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet --site-dir site

notebooks: venv  ## run notebooks/ on the demo
	pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[notebooks]'
	python -m pytest --nbmake notebooks

params: venv  ## compose conf/ into params.yaml
	python -m autovoice.config > .params.tmp && mv .params.tmp params.yaml

deps: venv  ## rewrite the code dependencies of dvc.yaml from the imports
	python scripts/stage_deps.py --write

lock: venv  ## write requirements/lock.txt from .venv
	{ echo "# Every package of .venv, the same for the CPU and the CUDA build of torch. Made by: make lock"; \
	  pip freeze --all --exclude-editable --exclude autovoice --exclude pip | sed -E 's/^(torch(audio)?==[0-9.]+)\+.*/\1/'; } > requirements/lock.txt

clean:  ## remove caches, builds and stage outputs; keeps .venv, the DVC cache and raw data
	rm -rf site .coverage .coverage.json .pytest_cache .mypy_cache .ruff_cache .import_linter_cache dist build .params.tmp
	rm -rf data/prepared data/features data/voices data/adapted data/checkpoints data/converted data/metrics data/gate data/bundle
	find src pipelines tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
