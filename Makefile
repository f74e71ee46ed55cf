# Everything a newcomer needs. Wants Rust, Python >= 3.10 with venv, a C compiler; nothing else.

PYTHON ?= python3
VENV := .venv/bin/python
TOOLS := .tools/bin
SECONDS ?= 60

# Valgrind, if it is not installed: unpacked into this project's folder, which it must be told.
ifeq ($(shell command -v valgrind),)
VALGRIND := .tools/valgrind
COUNTING := PATH='$(CURDIR)/$(VALGRIND)/usr/bin:$(PATH)' VALGRIND_LIB='$(CURDIR)/$(VALGRIND)/usr/libexec/valgrind'
endif

.PHONY: help demo test test-rust test-python format clean
.PHONY: bars plots bench-callbacks bench-peers counts scale coverage coverage-rust coverage-python fuzz limits mutants
.PHONY: lint lint-format lint-rust lint-docs lint-python

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## a policy routes presence in a real Synapse, and changes live; KEEP=1 leaves the server up
	@KEEP=$(KEEP) $(PYTHON) demo/demo.py

test: test-rust test-python ## all tests, a real Synapse among them

test-rust: ## the tests of the library and the command line
	cargo test --workspace

test-python: .venv ## the tests of the Synapse module; TESTS='-k gobbler' picks some
	$(VENV) -m pytest -p no:cacheprovider python/tests $(TESTS)

fuzz: $(TOOLS)/cargo-fuzz .venv ## every fuzz target in turn, SECONDS=60 each; TARGETS='parse yaml' picks some
	@PATH='$(CURDIR)/.tools/bin:$(PATH)' PYTHON='$(VENV)' fuzz/run $(SECONDS) $(TARGETS)

limits: ## hostile and very large policies in full size: peak memory and seconds of each
	LIMITS=all cargo test --release --test limits -- --nocapture --test-threads=1

# Each of three programs adds its rows to a file. Where one cannot run, the table says so.
ROWS_OF_BARS := $(CURDIR)/target/bars.jsonl
bar = $(if $(BARS),$(filter $(1),$(BARS)),yes)
unmeasured = { echo '{"bar":$(1),"what":"the rest","met":null,"why":"$(2) did not run to its end"}' >>$(ROWS_OF_BARS); }
bars: export BARS_FILE := $(ROWS_OF_BARS)
bars: ## each limit that was set for performance, and what this machine measures; BARS='1 4' picks some
	@mkdir -p target && rm -f $(ROWS_OF_BARS)
	@BARS='$(BARS)' cargo bench --bench bars || echo 'benches/bars did not run to its end' >&2
	@$(if $(call bar,3),{ $(PYTHON) demo/prepare.py >&2 && $(VENV) python/benches/callbacks.py --bars $(ROWS_OF_BARS); } || $(call unmeasured,3,python/benches/callbacks.py))
	@$(if $(call bar,1),(cd benches/peers && BUDGET=0.1 cargo run --release --locked >/dev/null) || $(call unmeasured,1,benches/peers))
	@BARS='$(BARS)' cargo bench --bench bars -- table

plots: ## what operations cost as rules, users and answers grow, drawn into docs/plots
	cargo bench --bench bars -- plots

bench-callbacks: .venv ## what Synapse's two callbacks cost, beside plain Python routers; ROWS='1x5 warm' picks some
	$(VENV) python/benches/callbacks.py $(ROWS)

scale: .venv ## a model of what the module adds to a Synapse of 5 to 50 processes; MINUTES=5 between two updates of a user
	$(VENV) python/benches/scale.py --minutes $(or $(MINUTES),5)

counts: $(TOOLS)/gungraun-runner valgrind ## instructions of the hot paths: 5 % more than benches/counts.txt fails
	$(COUNTING) GUNGRAUN_RUNNER='$(CURDIR)/$(TOOLS)/gungraun-runner' cargo bench --bench counts

bench-peers: ## beside Cedar, regorus, casbin, SQLite, Datalog and hash maps; SHAPES='pairs:1000 company' PEERS='cedar' pick some
	cd benches/peers && SHAPES='$(SHAPES)' PEERS='$(PEERS)' BUDGET='$(BUDGET)' cargo run --release --locked

coverage: coverage-rust coverage-python ## lines and branches that the tests reach, file by file

# Branches are not counted by stable Rust unless it is told that it may. A program that a test kills may leave
# half a profile.
coverage-rust: $(TOOLS)/cargo-llvm-cov
	RUSTC_BOOTSTRAP=1 LAW_POLICIES=500 $(TOOLS)/cargo-llvm-cov llvm-cov --branch --failure-mode all --lib --bins --tests

coverage-python: .venv .tools/python
	PYTHONPATH=.tools/python COVERAGE_FILE=.tools/coverage $(VENV) -m coverage run --branch \
		--source=synapse_presence_router -m pytest -p no:cacheprovider python/tests -k unit
	PYTHONPATH=.tools/python COVERAGE_FILE=.tools/coverage $(VENV) -m coverage report --show-missing

mutants: $(TOOLS)/cargo-mutants ## do the tests notice a change of the code? hours; FILES='src/decide.rs' picks some
	CARGO_PROFILE_DEV_DEBUG=0 LAW_POLICIES=500 \
		$(TOOLS)/cargo-mutants mutants -o target $(foreach file,$(FILES),--re '^$(file)')

$(TOOLS)/cargo-fuzz:
	cargo install --locked --root .tools cargo-fuzz@0.13.2

$(TOOLS)/gungraun-runner:
	cargo install --locked --root .tools gungraun-runner@0.20.0

.PHONY: valgrind
valgrind: $(VALGRIND)

# Of Debian and what comes from it; elsewhere it is to be there already.
.tools/valgrind:
	mkdir -p $@.new && cd $@.new && apt-get download valgrind && dpkg -x valgrind_*.deb .
	mv $@.new $@

$(TOOLS)/cargo-llvm-cov:
	rustup component add llvm-tools
	cargo install --locked --root .tools cargo-llvm-cov@0.9.1

$(TOOLS)/cargo-mutants:
	cargo install --locked --root .tools cargo-mutants@27.1.0

.tools/python: | .venv
	$(VENV) -m pip --disable-pip-version-check --no-input install --upgrade --target $@ 'coverage>=7,<8'

lint: lint-format lint-rust lint-docs lint-python ## formatting, clippy, documentation, ruff

lint-format:
	cargo fmt --all --check
	cd benches/peers && cargo fmt --check

lint-rust:
	cargo clippy --workspace --all-targets -- -D warnings
	cd benches/peers && cargo clippy --locked --all-targets -- -D warnings

lint-docs:
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps

lint-python: .venv
	$(VENV) -m ruff check --no-cache python demo
	$(VENV) -m ruff format --no-cache --check python demo

format: .venv ## format all sources
	cargo fmt --all
	cd benches/peers && cargo fmt
	$(VENV) -m ruff format --no-cache python demo

clean: ## remove what was built
	rm -rf .venv .demo .tools benches/peers/target
	cargo clean

# Says itself what is up to date.
.PHONY: .venv
.venv:
	@$(PYTHON) demo/prepare.py
