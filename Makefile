# make book: the whole book, from the committed Records, into build/book/_build/html
# make test: the fast tests; make test-slow: the others (a minute or two each)
# make release: in dist/ the module, the built book and the Records of this commit, with their checksums; needs GNU tar
# Each makes what it needs first: a virtual environment in .venv with the project and its tools.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= build/book

.PHONY: book test test-slow lint smoke release committed clean
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

VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' pnn/_version.py)
COMMITTED = $(shell git log -1 --format=%ct)
# the same bytes of the same files: names sorted, times that of the commit, no owner, no time in gzip's head
PACK = tar --sort=name --mtime=@$(COMMITTED) --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
	--format=gnu --use-compress-program='gzip -n9'

# the wheel is built from the sdist; the sdist is packed again, since setuptools keeps the time of day in it
release: committed book
	rm -rf dist build/release
	mkdir -p build/release
	$(BIN)/python -m pip install --quiet build
	SOURCE_DATE_EPOCH=$(COMMITTED) $(BIN)/python -m build --outdir dist
	tar -xzf dist/polynomial_neurons-$(VERSION).tar.gz -C build/release
	cp -R $(OUT)/_build/html build/release/polynomial-neurons-book-$(VERSION)
	cp -R results build/release/polynomial-neurons-records-$(VERSION)
	cd build/release && for name in *; do $(PACK) -cf ../../dist/$$name.tar.gz $$name || exit 1; done
	cd dist && sha256sum *.tar.gz *.whl > SHA256SUMS && sha256sum --check --quiet SHA256SUMS

committed:
	@changed=$$(git status --porcelain) && test -z "$$changed" || { \
		echo "make release: what is released is a commit; commit or remove first what differs from it" >&2; \
		echo "$$changed" >&2; exit 1; }

$(VENV)/installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[book,dev]"
	touch $@

clean:
	rm -rf build dist $(VENV)
