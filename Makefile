# What a newcomer types. Everything else is ./yht.
.DEFAULT_GOAL := help
.PHONY: help run test lint bench setup clean distclean
SETUP := sh deploy/setup/bootstrap.sh
BIN := .venv/bin

help: ## say what there is
	@echo "Yihaotong: a contact-center engine for a city's 12345 hotline"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1 \t\2/p' $(MAKEFILE_LIST) | expand -t 20
	@echo "  ./yht --help      everything else"

run: ## set up what is missing, start the platform, play a call end to end, stay up until Ctrl-C
	@$(SETUP) run
	@sh deploy/run.sh

test: ## set up what is missing and run all tests but the measurements (ARGS="-k name" for some)
	@$(SETUP) test
	@$(BIN)/python -m pytest -m "not bench" $(ARGS)

lint: ## ruff, mypy --strict, import contracts
	@$(SETUP) lint
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: ## measure beside app_queue on the same Asterisk, print tables, write var/bench/latest.json
	@$(SETUP) run
	@./yht bench run

setup: ## install what is missing; done steps are skipped, a failed one can be repeated
	@$(SETUP) run

clean: ## remove caches of the tools; keeps what was installed and all data
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
	find . -path ./.venv -prune -o -path ./var -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean ## also remove what set-up made (.venv, var/opt); recordings and data in var stay
	@if [ -x $(BIN)/python ]; then ./yht down || true; fi
	rm -rf .venv var/opt
