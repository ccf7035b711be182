# Leitai. `make demo` shows it, `make test` proves it; both need Python 3.11 or newer and nothing else.
PYTHON ?= python3
PORT ?= 8000
SPEED ?= 1
PYTEST_ARGS ?=

BIN := .venv/bin
STAMP := .venv/.setup-done

.PHONY: setup demo test bench lint fmt pictures docs messages help

help:
	@echo 'make demo      three contests with simulated judges, http://127.0.0.1:$(PORT) (PORT=8000 SPEED=1)'
	@echo 'make test      everything: rules, services, web, live, browser'
	@echo 'make setup     the environment alone: .venv, with the program at $(BIN)/leitai'
	@echo 'make bench | lint | fmt | docs | pictures'

setup: $(STAMP)

# Anew when what it is made of has changed; else it is done.
$(STAMP): pyproject.toml hatch_build.py package.json package-lock.json deploy/setup.sh
	@sh deploy/setup.sh "$(PYTHON)"
	@touch $@

demo: setup
	@exec $(BIN)/leitai demo --port $(PORT) --speed $(SPEED)

test: setup
	@bash tests/run.sh $(PYTEST_ARGS)

bench: setup
	@found=$$(ls tests/bench/bench_*.py 2>/dev/null); \
	if [ -z "$$found" ]; then echo 'There is no benchmark yet.'; fi; \
	for file in $$found; do $(BIN)/python $$file || exit 1; done

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

fmt: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# docs/reference.md and docs/protocol.md, from the code
docs: setup
	$(BIN)/python docs/generate.py

# the sentences of code and templates into translations/en
messages: setup
	@mkdir -p translations var
	$(BIN)/pybabel -q extract -F pyproject.toml -k _l -k lazy_gettext --no-location --sort-output \
		--project=Leitai --omit-header -o var/messages.pot competition judges templates
	$(BIN)/pybabel -q $$(test -e translations/en/LC_MESSAGES/messages.po && echo update --no-fuzzy-matching || echo init) \
		-l en -i var/messages.pot -d translations

# docs/pictures, from a running demo
pictures: setup
	$(BIN)/python tests/e2e/pictures.py
