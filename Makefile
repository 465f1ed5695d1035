# Every target makes what it needs: on a fresh machine with Python 3.11 to 3.13, `make demo` and `make test` need nothing before them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
DEMO := build/demo
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# an interpreter is taken when it runs, since some machines have shims that do not
PYTHON := $(shell for p in $(PYTHON_WANTED) python3.11 python3.12 python3.13 python3 python; do $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1 && echo $$p && break; done)

.PHONY: help demo test check format lint types imports bench bench-start bench-log bench-policy bench-shapley peers contributions intervals settlements gaming kill faults lies \
  differential mutants rules vectors docs lock clean

help:
	@echo 'make demo    the whole story on a synthetic county, about a minute'
	@echo 'make test    the test suite'
	@echo 'make check   format, lint, types, import contract, tests'
	@echo 'make rules   compile the shipped rulebook anew, after a change of its packs'
	@echo 'make vectors   write the worked examples of the log anew, after a change of its format'
	@echo 'make bench   decision latency beside a hand-written function'
	@echo 'make bench-start   how long commands take to start, beside python -c pass and an earlier commit'
	@echo 'make bench-log   the log under load: rates beside plain SQLite, many writers, a million events; about ten minutes'
	@echo 'make bench-policy   Heyi beside Cedar, Rego and CEL engines, batches, proofs, gas; about ten minutes'
	@echo 'make bench-shapley   values of players: Heyi beside shapiq, pyDVL, shap and a compiled loop; about ten minutes'
	@echo 'make contributions   contributions from own optima beside exact retraining; DATA=folder adds the heart study'
	@echo 'make intervals   do simultaneous intervals of sampled values hold? about ten minutes'
	@echo 'make settlements   a million random settlements, to the fen; about ten minutes'
	@echo 'make gaming   what copies, splits and fabricated rows gain, before and after the guards'
	@echo 'make kill   a thousand killed writers and a hundred killed commands: is every promise kept? about five minutes'
	@echo 'make faults   each system call of the log fails in turn, and servers die: is every promise kept? about ten minutes'
	@echo 'make lies    every lie that an operator could tell, and every flipped bit: is it found, and named? about four minutes'
	@echo 'make differential   a million requests through all readings, about twenty minutes'
	@echo 'make mutants   do the worked cases notice each small change of a rule?'
	@echo 'make docs    check that links and documented commands in docs/ and the READMEs hold'
	@echo 'make lock    renew the lock files (needs the network)'

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo 'heyi needs Python 3.11, 3.12 or 3.13 on the PATH' >&2; exit 2; }
	@echo "making $(VENV) with $(PYTHON)" >&2
	@$(PYTHON) -m venv $(VENV)

$(VENV)/base.stamp: locks/base.txt pyproject.toml | $(BIN)/python
	@echo 'installing what heyi needs' >&2
	@$(PIP) install --require-hashes --only-binary :all: -r locks/base.txt
	@$(PIP) install --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/dev.stamp: locks/dev.txt $(VENV)/base.stamp
	@echo 'installing what the tests need' >&2
	@$(PIP) install --require-hashes --only-binary :all: -r locks/dev.txt
	@touch $@

demo: $(VENV)/base.stamp
	@$(BIN)/heyi demo --dir $(DEMO)

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n 2 --dist loadscope

check: lint types imports test

format: $(VENV)/dev.stamp
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lint: $(VENV)/dev.stamp
	$(BIN)/ruff format --check . && $(BIN)/ruff check .

types: $(VENV)/dev.stamp
	$(BIN)/mypy

imports: $(VENV)/dev.stamp
	$(BIN)/lint-imports

bench-start: $(VENV)/dev.stamp
	$(BIN)/python -m bench.start

bench: $(VENV)/dev.stamp
	$(BIN)/python bench/decide.py

bench-log: $(VENV)/dev.stamp
	@mkdir -p build
	$(BIN)/python -m bench.log

bench-policy: $(VENV)/dev.stamp
	$(BIN)/python -m bench.policy

# other libraries pin an older numpy, so they live in an environment of their own
peers: build/peers/stamp

build/peers/stamp: locks/peers.txt
	@test -n "$(PYTHON)" || { echo 'heyi needs Python 3.11, 3.12 or 3.13 on the PATH' >&2; exit 2; }
	@echo 'installing the libraries to compare with into build/peers' >&2
	@$(PYTHON) -m venv build/peers
	@build/peers/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --only-binary :all: -r locks/peers.txt
	@touch $@

bench-shapley: $(VENV)/dev.stamp build/peers/stamp
	$(BIN)/python -m bench.shapley

contributions: $(VENV)/dev.stamp
	$(BIN)/python -m bench.contributions $(if $(DATA),--data $(DATA))

intervals: $(VENV)/dev.stamp
	$(BIN)/python -m bench.intervals

settlements: $(VENV)/dev.stamp
	$(BIN)/python -m bench.settlements

gaming: $(VENV)/dev.stamp
	$(BIN)/python -m bench.gaming

kill: $(VENV)/dev.stamp
	@mkdir -p build
	$(BIN)/python -m bench.kill

faults: $(VENV)/dev.stamp
	@mkdir -p build
	$(BIN)/python -m bench.faults

lies: $(VENV)/dev.stamp
	$(BIN)/python -m bench.lies

differential: $(VENV)/dev.stamp
	$(BIN)/python -m bench.differential

mutants: $(VENV)/dev.stamp
	$(BIN)/python -m bench.mutants

rules: $(VENV)/dev.stamp
	$(BIN)/heyi rules build
	$(BIN)/heyi rules boundaries --out vectors/boundaries.json
	$(BIN)/python -m docs.rulebook_numbers

vectors: $(VENV)/dev.stamp
	$(BIN)/python -m docs.audit_vectors

docs: $(VENV)/dev.stamp
	$(BIN)/python -m pytest tests/docs

lock:
	@$(PYTHON) -m venv build/lock && build/lock/bin/pip --quiet install uv
	@build/lock/bin/uv pip compile --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate --no-emit-index-url --no-emit-find-links --no-config --quiet pyproject.toml locks/build.in --extra dev --extra rules --extra parquet --extra postgres -o locks/dev.txt
	@build/lock/bin/uv pip compile --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate --no-emit-index-url --no-emit-find-links --no-config --quiet pyproject.toml locks/build.in -c locks/dev.txt -o locks/base.txt
	@build/lock/bin/uv pip compile --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate --no-emit-index-url --no-emit-find-links --no-config --quiet locks/peers.in -o locks/peers.txt

clean:
	rm -rf build .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
