# Everything runs in .venv, from pinned versions. Needs Python 3.11 and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
MINUTES ?= 60
JOBS ?= 3
PARTS := engine sizes memory job
NO_BENCHMARKS := $(addprefix benchmarks/,contestants.py page.py quality_page.py)
BENCHMARKS := $(filter-out $(NO_BENCHMARKS),$(shell grep -l '^if __name__ == "__main__"' benchmarks/*.py))
export PIP_CONSTRAINT := constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test lint types tests format long fuzz soak mutants bench bench-quick quality clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: .venv/demo.installed ## upscale a few photographs, and print where to find them
	@$(BIN)/python scripts/demo.py demo/photos
	@$(BIN)/python flows/upscale.py --src demo/photos --dst demo/upscaled --track
	@echo "Results: demo/upscaled; sources: demo/photos; factors: demo/photos/scales.csv."

test: lint types tests ## lint, check types, run the tests, as CI does

lint: .venv/dev.installed ## lint, and check the format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev.installed ## check types
	$(BIN)/mypy

tests: .venv/dev.installed ## run the tests
# Hundreds of tests start a command. Where Python may not write bytecode, each would compile our code.
	@$(BIN)/python -m compileall -q flows srcnn tasks
	$(BIN)/pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder

format: .venv/dev.installed ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

long: .venv/dev.installed ## run the tests that CI leaves out
	$(BIN)/pytest -m long

fuzz: .venv/dev.installed ## upscale mutated files for an hour (MINUTES=60), and keep those that go wrong in fuzz-results/
	$(BIN)/python -m tests.hostile.fuzz --minutes $(MINUTES)

soak: .venv/dev.installed ## upscale 5,000 mixed images in one process, and see that nothing grows
	$(BIN)/python -m tests.hostile.soak

mutants: .venv/dev.installed ## change the code of the last commits in small ways, and say which changes no test notices
	$(BIN)/python scripts/mutants.py

bench: .venv/bench.installed ## measure speed and memory, and write docs/performance.md; ten minutes, on an idle machine
	@for part in $(PARTS); do echo "$$part"; $(BIN)/python benchmarks/$$part.py || exit; done
	@$(BIN)/python benchmarks/page.py

bench-quick: .venv/dev.installed ## run every benchmark on tiny inputs
	@for script in $(BENCHMARKS); do echo "$$script"; $(BIN)/python $$script --quick || exit; done
	@$(BIN)/python benchmarks/page.py --results benchmarks/results/quick --docs benchmarks/results/quick

quality: .venv/bench.installed ## measure quality, and write docs/quality.md; minutes, needs the reference data
	@$(BIN)/python benchmarks/quality.py
	@$(BIN)/python benchmarks/jpeg.py
	@$(BIN)/python benchmarks/crops.py
	@$(BIN)/python benchmarks/quality_page.py

clean: ## remove the environment and the demo's files
	rm -rf .venv demo

.venv/made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/demo.installed: .venv/made pyproject.toml constraints.txt
	@echo "installing into .venv (about a minute) ..."
	@$(INSTALL) --editable '.[demo]'
	@touch $@

.venv/dev.installed: .venv/made pyproject.toml constraints.txt
	@echo "installing into .venv (some minutes; PyTorch is large) ..."
	@$(INSTALL) --editable '.[dev]'
	@touch $@

.venv/bench.installed: .venv/made pyproject.toml constraints.txt
	@echo "installing into .venv (some minutes; PyTorch is large) ..."
	@$(INSTALL) --editable '.[bench]'
	@touch $@
