# Every target sets up what it needs in .venv; nothing outside this folder is touched.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test fuzz test-upstreams check docs tapes bench clean

help:
	@echo "make demo    set up, replay a bundled tape to a real client, stay up until Ctrl-C"
	@echo "make test    set up, pass the tests"
	@echo "make fuzz    damage more input than the tests do (EXAMPLES=200 a target)"
	@echo "make test-upstreams"
	@echo "             install real servers and clients, record and replay them"
	@echo "make check   ruff, mypy, import-linter, docs"
	@echo "make docs    write the generated parts of the docs again"
	@echo "make bench   measure, side by side with the peers"

# The stamp is younger than what it was made from, or the set-up is done again.
$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "TokenTape needs Python 3.11 or newer as '$(PYTHON)'; found: $$($(PYTHON) --version 2>&1 || true)." >&2; \
	  echo "Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { \
	  echo "'$(PYTHON) -m venv' failed: install the venv module (Debian, Ubuntu: apt-get install python3-venv)." >&2; \
	  rm -rf $(VENV); exit 1; }
	@echo "Setting up $(VENV) (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1' && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo]' --group dev || { \
	  echo "Installing the packages failed: is a package index within reach?" >&2; exit 1; }
	@touch $@

demo: $(VENV)/.ready
	@$(BIN)/tokentape demo

test: $(VENV)/.ready
	$(BIN)/python -m pytest -n auto --ignore=tests/upstreams

# Other examples every time; the tests take a few of each target, in CI always the same.
EXAMPLES ?= 200
fuzz: $(VENV)/.ready
	TOKENTAPE_FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -n auto tests/fuzz

# Real servers and clients, in environments of their own below upstreams/.envs.
test-upstreams: $(VENV)/.ready
	$(BIN)/python -m upstreams.install
	$(BIN)/python -m pytest tests/upstreams -n 2 --dist loadfile

check: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cog --check -I docs README.md docs/*.md docs/rules/*.md

docs: $(VENV)/.ready
	$(BIN)/cog -r -I docs README.md docs/*.md docs/rules/*.md

# The bundled tapes, from the captures the project started from.
SEEDS := tests/seeds
TAPES := src/tokentape/tapes
tapes: $(VENV)/.ready
	@mkdir -p $(TAPES)
	$(BIN)/tokentape convert --force $(SEEDS)/000_*.txt $(TAPES)/reasoning.tape.jsonl
	$(BIN)/tokentape convert --force $(SEEDS)/001_*.txt $(TAPES)/two-choices.tape.jsonl
	$(BIN)/tokentape convert --force --repair $(SEEDS)/002_*.txt $(TAPES)/repaired.tape.jsonl
	$(BIN)/tokentape convert --force $(SEEDS)/003_*.txt $(TAPES)/bedrock.tape.jsonl
	$(BIN)/tokentape convert --force $(SEEDS)/004_*.txt $(TAPES)/tool-call.tape.jsonl

bench: $(VENV)/.ready
	$(BIN)/python -m bench --write

clean:
	rm -rf $(VENV) upstreams/.envs .mypy_cache .pytest_cache .ruff_cache .hypothesis
