# Everything that a newcomer types. Each target sets up what it needs.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin

.PHONY: demo test test-slow browser check format docs clean

demo: $(VENV)/installed
	$(BIN)/fastmed demo

test test-slow: export OMP_NUM_THREADS = 1
test: $(VENV)/installed
	$(BIN)/python -m pytest --numprocesses auto -m "not slow"

test-slow: $(VENV)/installed
	$(BIN)/python -m pytest --numprocesses auto

# For the tests of pages in a real browser, which are skipped where there is none.
browser:
	@command -v chromium || command -v chromium-browser || command -v google-chrome || \
	{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update --quiet=2 && \
	  apt-get install --quiet=2 --yes --no-install-recommends chromium; } || \
	echo "no browser, and none can be installed here: its tests will be skipped"

check: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: export NO_MKDOCS_2_WARNING = 1
docs: $(VENV)/installed
	$(BIN)/python docs/reference/make_cli.py
	$(BIN)/mkdocs build --strict

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

clean:
	rm -rf $(VENV) build dist site demo .mypy_cache .ruff_cache .pytest_cache
