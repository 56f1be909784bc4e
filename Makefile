# `make run` serves the page, `make test` runs every check; both install what they need first.
# Nothing is installed a second time until requirements.txt or pyproject.toml changes.

VENV ?= .venv
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,\
    $(shell command -v $(name) >/dev/null 2>&1 && \
        $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
FUZZED := tests/test_notes_properties.py tests/test_properties.py
# llama-cpp-python comes as source. What a compiler makes of it for the very machine it runs on can
# use instructions that a virtual machine then refuses; this asks for what every machine has.
PORTABLE := CMAKE_ARGS="-DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF"
DECLARED := requirements.txt pyproject.toml scripts/install_torch.py

.DEFAULT_GOAL := help
.PHONY: help run index test test-fast test-llm lint eval bench bench-load bench-peers bench-scale soak fuzz lock audit adapt tune

help:  ## Say what there is.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

run: $(VENV)/.installed  ## Serve the page on http://127.0.0.1:7860, building the index where needed.
	$(BIN)/askhistory serve

index: $(VENV)/.installed  ## Build the index from corpus/, or bring it up to date.
	$(BIN)/askhistory index

test: lint $(VENV)/.chromium  ## Run every check: ruff, mypy and all tests, the browser's and the slow ones too.
	$(BIN)/python -m pytest

test-llm: $(VENV)/.installed-dev  ## Put the check of written answers to a real language model; part of test.
	$(BIN)/python -m pytest -m llm

test-fast: $(VENV)/.installed-dev  ## Run the tests that need neither a browser nor half a minute.
	$(BIN)/python -m pytest -m "not slow and not browser"

lint: $(VENV)/.installed-dev  ## Check style and types.
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

eval: $(VENV)/.installed  ## Measure the answers on the questions with known headings.
	$(BIN)/askhistory eval tests/data/questions.jsonl

bench: $(VENV)/.installed-dev  ## Measure on notes nothing was tuned on, XQuAD and SQuAD 2.0, then speed and small sizes.
	$(BIN)/python -m bench.held_out
	$(BIN)/python -m bench.xquad
	$(BIN)/python -m bench.squad2
	$(BIN)/python -m bench.speed
	$(BIN)/python -m bench.scale --points 1000 10000 --real 1000

bench-peers: $(VENV)/.installed-dev  ## Compare with peers, each in an environment of its own.
	$(BIN)/python -m bench.peers

bench-scale: $(VENV)/.installed-dev  ## Index and ask notes of a thousand to a million points: hours, and 20 GB of disk.
	$(BIN)/python -m bench.scale

bench-load: $(VENV)/.installed-dev  ## Let fifty simulated students ask a real server for a minute.
	$(BIN)/python -m bench.load

soak: $(VENV)/.installed-dev  ## Ask ten thousand questions of every sort in one process.
	$(BIN)/python -m bench.soak

fuzz: $(VENV)/.installed-dev  ## Try 20,000 examples of each property of notes, index, answers and conversations.
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest -q $(FUZZED)

adapt: $(VENV)/.installed-dev  ## Adapt the encoder to reading notes, on pages kept for that; two hours. "make tune" must follow.
	$(BIN)/python -m bench.adapt --write

tune: $(VENV)/.installed-dev  ## Fit the weights that ship with the package, on development questions.
	$(BIN)/python -m bench.tune --write
	$(BIN)/python -m bench.support --write

lock: $(VENV)/bin/python  ## Pin what the tests install, with hashes, after a change of requirements.
	$(BIN)/python scripts/lock.py

audit: $(VENV)/bin/python  ## Ask whether a known vulnerability is in it; needs the net.
	$(BIN)/python scripts/audit.py

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "askhistory needs Python 3.11 or newer: install it, or name one with 'make PYTHON=/path/to/python3.11 …'." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv module is incomplete: on Debian and Ubuntu, 'apt install python3-venv'." >&2; exit 1; }

$(VENV)/.installed: $(DECLARED) | $(VENV)/bin/python
	$(BIN)/python scripts/install_torch.py
	$(PIP) install --editable .
	@touch $@

# With the very files that were there when requirements.lock was made, by their hashes.
$(VENV)/.installed-dev: requirements.lock $(DECLARED) | $(VENV)/bin/python
	$(BIN)/python scripts/install_torch.py
	$(PORTABLE) $(PIP) install --no-deps --require-hashes --requirement requirements.lock
	$(PIP) install --no-deps --editable .
	@touch $(VENV)/.installed $@

$(VENV)/.chromium: scripts/ensure_chromium.py $(VENV)/.installed-dev
	$(BIN)/python scripts/ensure_chromium.py
	@touch $@
