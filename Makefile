# The two commands are `make demo` and `make test`. Both install what they need, say so, and may be
# run again.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

DATA_DIR ?= data
BIND ?= 127.0.0.1:8000
# Most tests wait for something; see .config/nextest.toml.
TEST_THREADS ?= $(shell echo $$(( $$(nproc 2>/dev/null || echo 2) * 2 )))
# Evaluated where it is used: the first use installs libtorch, the others only name its folder.
LIBTORCH_FOLDER = $(shell scripts/libtorch.sh)
CARGO = $(if $(LIBTORCH_USE_PYTORCH),,LIBTORCH="$(LIBTORCH_FOLDER)") cargo

.PHONY: help demo build release package test test-rust test-page test-client client openapi lint format clippy docs direction unused deny packaging gates bench check-tools

help:
	@echo "make demo     draw a gallery, embed it, serve the page at http://$(BIND)"
	@echo "make test     build everything and run all tests"
	@echo "make test-page  the client in a real browser, alone"
	@echo "make openapi  write the server's document anew, which the client's types are made from"
	@echo "make lint     formatting, lints, documentation, dependencies: what .ci/run checks beside the tests"
	@echo "make package  a wheel and an archive for people without Rust, in dist/"
	@echo "make packaging  check those, the Dockerfile and the compose file, without a container engine"
	@echo "make gates    plant faults, and see each gate of .ci/run fail"
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

test: test-client test-rust test-page

test-rust: check-tools
	@scripts/test-tools.sh redis
	$(CARGO) $(if $(shell command -v cargo-nextest),nextest run --test-threads $(TEST_THREADS),test) --workspace --bins --tests
	@if command -v cargo-nextest >/dev/null; then scripts/slowest-tests.py; fi

# Types, lints and state logic of the client, and the size of its first load.
test-client: client
	cd web && npm run --silent check && node scripts/check-size.mjs

test-page: client build
	@scripts/test-tools.sh browser
	@scripts/browser-tests.sh

openapi: check-tools
	CLIPPY_UPDATE_OPENAPI=1 $(CARGO) test --workspace -- the_clients_document

lint: format direction unused deny clippy docs

format:
	cargo fmt --all --check

clippy: check-tools
	$(CARGO) clippy --workspace --all-targets -- -D warnings

docs: check-tools
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" $(CARGO) doc --workspace --no-deps --document-private-items

# The direction of dependencies between crates, and circles of modules within them.
direction:
	scripts/dependency-direction.py
	scripts/module-circles.py

unused:
	@scripts/test-tools.sh machete
	@PATH="$$(scripts/test-tools.sh folder):$$PATH" cargo machete --with-metadata

deny:
	@scripts/test-tools.sh deny
	@PATH="$$(scripts/test-tools.sh folder):$$PATH" cargo deny --log-level error check bans licenses sources

package: check-tools
	scripts/package.sh

packaging: check-tools
	tests/packaging/run.sh

gates:
	tests/gates/run.py

# In the everyday profile, which is built already. Pass PROFILE=release for the figures of
# docs/benchmarks.md.
PROFILE ?= dev
bench: check-tools
	$(CARGO) bench --profile $(PROFILE) --workspace --bench throughput --bench probes

check-tools:
	@scripts/build-tools.sh
