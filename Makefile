# The two commands are `make demo` and `make test`. Both install what they need, say so, and may be run again.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

DATA_DIR ?= data
BIND ?= 127.0.0.1:8000
# Evaluated where it is used: the first use installs libtorch, the others only name its folder.
LIBTORCH_FOLDER = $(shell scripts/libtorch.sh)
CARGO = $(if $(LIBTORCH_USE_PYTORCH),,LIBTORCH="$(LIBTORCH_FOLDER)") cargo

.PHONY: help demo build release test test-page test-client client openapi lint bench check-tools

help:
	@echo "make demo     draw a gallery, embed it, serve the page at http://$(BIND)"
	@echo "make test     build everything and prove it"
	@echo "make test-page  the client in a real browser, alone"
	@echo "make openapi  write the server's document anew, which the client's types are made from"
	@echo "make lint     formatting, lints, the direction of dependencies"
	@echo "make bench    measure, as ratios"
	@echo "make release  an optimised binary"

demo: build
	@program="$$(scripts/program.sh)"; exec "$$program" demo --data-dir $(DATA_DIR) --bind $(BIND)

# The client comes before the program, which takes it in. Without Node there is the plain page.
build: check-tools
	@scripts/client.sh optional
	$(CARGO) build --bin clippy

release: check-tools
	@scripts/client.sh optional
	$(CARGO) build --release --bin clippy

client:
	@scripts/client.sh

test: check-tools test-client
	@scripts/test-tools.sh redis browser
	scripts/dependency-direction.py
	$(CARGO) build --workspace --all-targets
	$(CARGO) $(if $(shell command -v cargo-nextest),nextest run,test) --workspace
	@scripts/browser-tests.sh

# Types, lints and state logic of the client, and the size of its first load.
test-client: client
	cd web && npm run --silent check && node scripts/check-size.mjs

test-page: client build
	@scripts/test-tools.sh browser
	@scripts/browser-tests.sh

openapi: check-tools
	CLIPPY_UPDATE_OPENAPI=1 $(CARGO) test --workspace --test client -- the_clients_document

lint: check-tools client
	cd web && npm run --silent types && npx tsc --noEmit && npx eslint .
	cargo fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	scripts/dependency-direction.py

bench: check-tools
	$(CARGO) bench -p clippy-cli --bench throughput

check-tools:
	@scripts/build-tools.sh
