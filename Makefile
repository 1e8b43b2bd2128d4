# make book: the whole book, from the committed Records, into build/book/_build/html
# make test: the fast tests; make test-slow: the others (a minute or two each)
# Each makes what it needs first: a virtual environment in .venv with the project and its tools.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= build/book

.PHONY: book test test-slow lint smoke clean
.DELETE_ON_ERROR:

book: $(VENV)/installed
	rm -rf $(OUT)
	$(BIN)/jupyter-book build . --path-output $(OUT) --all -W -n --keep-going
	$(BIN)/python tests/check_book.py $(OUT)/_build/html

test: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest

test-slow: $(VENV)/installed
	$(BIN)/python -m pytest -m slow

# every notebook by papermill with its smallest settings, Records in an empty folder
smoke: $(VENV)/installed
	$(BIN)/python -m pytest -m notebook

$(VENV)/installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[book,dev]"
	touch $@

clean:
	rm -rf build $(VENV)
