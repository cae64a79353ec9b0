# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The scripts in tools/ do the work and can be called without make; tools/gates.py lists the gates.
GATES := rules lint types unit contract docs build integration molecule demonstration sanity matrix bench

.DEFAULT_GOAL := help
.PHONY: help setup demo test execution-environment clean $(GATES)

help: ## list the targets
	@echo "make demo    build, install and use the collection on the sandbox"
	@echo "make test    every gate, the fastest first"
	@echo "make setup   the environment that both use"
	@echo "make execution-environment   the build context of its image, under dist"
	@echo "make clean   remove everything that was built"
	@echo "one gate:    make NAME, with NAME one of $(GATES)"

setup:
	@tools/setup

demo:
	@tools/demo

test:
	@tools/check

execution-environment:
	@tools/execution-environment

$(GATES):
	@tools/check $@

clean:
	rm -rf .venv .cache .ansible .hypothesis .mypy_cache .pytest_cache .ruff_cache dist collections tests/output importer_result.json
	rm -rf "$${TMPDIR:-/tmp}/clm-ansible-test-$$(id -u)-$$(pwd -P | tr -d '\n' | cksum | cut -d' ' -f1)"
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
