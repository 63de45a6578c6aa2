# What a person types. Everything here runs on a fresh Debian 12 machine with a Rust toolchain.
#
#   make demo     a real LAMP stack in a sandbox: the outage replayed, then switches beside those of a symlink
#   make test     every test; `cargo test` alone does the same once `make packages` has run
#   make lint     format, the project's own checks, clippy
#   make bench    the measurements of bench/README.md (installs what they compare with)
#   make ci       what the gate runs

CARGO ?= cargo
WANT = $(MAKE) -C '$(CURDIR)' $(MAKECMDGOALS)

.PHONY: help packages demo test lint bench bench-packages bench-check bench-switch bench-deploy bench-drill bench-outage bench-trees bench-check-study ci

help:
	@sed -n 's/^#   //p' Makefile

packages:
	@packaging/packages.sh --then "$(WANT)"

demo: packages
	$(CARGO) run --release --locked --package lamp -- demo --wordpress .packages/root/usr/share/wordpress --report target/demo-report.md
	$(CARGO) run --release --locked --package lamp -- demo --switches

test: packages
	$(CARGO) test --workspace --locked --no-fail-fast

lint:
	$(CARGO) fmt --all --check
	$(CARGO) xtask tidy
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

bench: bench-check bench-check-study bench-switch bench-deploy bench-drill bench-outage

bench-packages:
	@packaging/packages.sh --bench --then "$(WANT)"

bench-check: bench-trees

bench-check bench-switch bench-deploy bench-drill bench-outage: bench-%: bench-packages
	$(CARGO) build --release --locked --package lamp
	$(CARGO) run --release --locked --package lamp-bench -- $*

bench-trees:
	@bench/trees.sh

bench-check-study: bench-trees
	$(CARGO) run --release --locked --package lamp-bench -- check-study

ci:
	.ci/run
