# The two commands are `make demo` and `make test`. Both install what they need, say so, and may be run again.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

DATA_DIR ?= data
BIND ?= 127.0.0.1:8000
# Evaluated where it is used: the first use installs libtorch, the others only name its folder.
LIBTORCH_FOLDER = $(shell scripts/libtorch.sh)
CARGO = $(if $(LIBTORCH_USE_PYTORCH),,LIBTORCH="$(LIBTORCH_FOLDER)") cargo

.PHONY: help demo build release test test-page lint bench check-tools

help:
	@echo "make demo     draw a gallery, embed it, serve the page at http://$(BIND)"
	@echo "make test     build everything and prove it"
	@echo "make test-page  the page in a real browser (needs Node 20)"
	@echo "make lint     formatting, lints, the direction of dependencies"
	@echo "make bench    measure, as ratios"
	@echo "make release  an optimised binary"

demo: build
	@program="$$(scripts/program.sh)"; exec "$$program" demo --data-dir $(DATA_DIR) --bind $(BIND)

build: check-tools
	$(CARGO) build --bin clippy

release: check-tools
	$(CARGO) build --release --bin clippy

test: check-tools
	@scripts/test-tools.sh redis
	scripts/dependency-direction.py
	$(CARGO) build --workspace --all-targets
	$(CARGO) $(if $(shell command -v cargo-nextest),nextest run,test) --workspace

test-page: build
	@scripts/test-tools.sh browser
	cd tests/browser && npm ci --no-audit --no-fund && CLIPPY_PROGRAM="$$(../../scripts/program.sh)" npm test

lint: check-tools
	cargo fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	scripts/dependency-direction.py

bench: check-tools
	$(CARGO) bench -p clippy-cli --bench throughput

check-tools:
	@scripts/build-tools.sh
