# Everything a newcomer needs. Wants Rust, Python >= 3.10 with venv, a C compiler; nothing else.

PYTHON ?= python3
VENV := .venv/bin/python
SECONDS ?= 60
CARGO_FUZZ_VERSION := 0.13.2
CARGO_FUZZ := .tools/bin/cargo-fuzz

.PHONY: help demo test test-rust test-python fuzz limits format clean
.PHONY: lint lint-format lint-rust lint-docs lint-python

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## a policy routes presence in a real Synapse, and changes live; KEEP=1 leaves the server up
	@KEEP=$(KEEP) $(PYTHON) demo/demo.py

test: test-rust test-python ## all tests, a real Synapse among them

test-rust: ## the tests of the library and the command line
	cargo test --workspace

test-python: .venv ## the tests of the Synapse module; TESTS='-k gobbler' picks some
	$(VENV) -m pytest -p no:cacheprovider python/tests $(TESTS)

fuzz: $(CARGO_FUZZ) .venv ## every fuzz target in turn, SECONDS=60 each; TARGETS='parse yaml' picks some
	@PATH='$(CURDIR)/.tools/bin:$(PATH)' PYTHON='$(VENV)' fuzz/run $(SECONDS) $(TARGETS)

# Not a part of the product: built for this folder alone.
$(CARGO_FUZZ):
	cargo install --locked --root .tools --version $(CARGO_FUZZ_VERSION) cargo-fuzz

limits: ## hostile and very large policies in full size: peak memory and seconds of each
	LIMITS=all cargo test --release --test limits -- --nocapture --test-threads=1

lint: lint-format lint-rust lint-docs lint-python ## formatting, clippy, documentation, ruff

lint-format:
	cargo fmt --all --check

lint-rust:
	cargo clippy --workspace --all-targets -- -D warnings

lint-docs:
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps

lint-python: .venv
	$(VENV) -m ruff check --no-cache python demo
	$(VENV) -m ruff format --no-cache --check python demo

format: .venv ## format all sources
	cargo fmt --all
	$(VENV) -m ruff format --no-cache python demo

clean: ## remove what was built
	rm -rf .venv .demo
	cargo clean

# Says itself what is up to date.
.PHONY: .venv
.venv:
	@$(PYTHON) demo/prepare.py
