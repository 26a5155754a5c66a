# Every target installs what it needs first; `make help` lists them.
.PHONY: help setup setup-bench build release install test test-core fuzz demo run bench bench-tuf bench-governance bench-tokens bench-signer format lint man clean

SWIFT_FILES := Package.swift Sources Tests
export SWIFT_BACKTRACE ?= enable=no

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | awk -F'|' '{ printf "%-12s %s\n", $$1, $$2 }'

setup: ## Install the system packages (as root, or through sudo).
	@deploy/setup.sh

setup-bench: setup
	@deploy/setup.sh bench

build: setup ## Build everything for debugging.
	swift build

release: setup ## Build the programs for release.
	deploy/build-release.sh

test: setup ## Build, then run every test, one at a time, with the real components it needs.
	swift build --build-tests
	swift test --skip-build --disable-xctest --no-parallel

test-core: setup ## Build and test the low layers alone, in seconds.
	ROADSTEAD_LAYERS=core swift test --scratch-path .build-core --disable-xctest

install: ## Place the programs that make release built (PREFIX, DESTDIR).
	@deploy/install.sh

fuzz: setup ## Fuzz the parsers and the TUF workflow, each target for half a minute (FUZZ_SECONDS).
	@deploy/fuzz.sh $(FUZZ_SECONDS)

demo: build ## Run the whole story once, with the real programs, and check every step.
	@deploy/demo.sh

run: build ## Leave a server, a demo fleet and an agent running in the foreground.
	@deploy/run.sh

man: ## Write the manual page, .build/man/roadstead.1.
	swift build --product roadstead-remote
	@mkdir -p .build/man
	.build/debug/roadstead-remote manual > .build/man/roadstead.1

bench: setup-bench release ## Measure beside the peers and print one table.
	@deploy/bench.sh

bench-tuf: setup ## Measure the TUF client beside python-tuf, in process.
	@deploy/bench-tuf.sh

bench-governance: setup ## Measure decisions, the audit log, a large change and long lists.
	@deploy/bench-governance.sh

bench-tokens: setup ## Measure signatures by tokens beside a loop in C on the same module.
	@deploy/bench-tokens.sh

bench-signer: setup-bench ## Measure signatures per second through roadstead-signer.
	@deploy/bench-signer.sh

format: ## Format the sources.
	swift format --in-place --recursive $(SWIFT_FILES)

lint: ## Check format and style.
	swift format lint --strict --recursive $(SWIFT_FILES)

clean: ## Remove everything that was built.
	rm -rf .build .build-*
