# `make help` lists the targets. Each makes what it needs first: a virtual environment in .venv with the project and its
# tools.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= build/book
# processes among which the fast tests are shared: a number, or one a core
WORKERS ?= logical
# `make book BROWSER=required` fails where there is no Chromium, instead of skipping the checks in a browser
BROWSER ?=

.PHONY: help book test test-slow smoke lint constraints release committed clean torture
.DELETE_ON_ERROR:

help: ## what there is to make
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='|' read -r target text; do printf '  make %-12s %s\n' "$$target" "$$text"; done

book: $(VENV)/installed ## the whole book, from the committed Records, into build/book/_build/html
	rm -rf $(OUT)
	$(BIN)/jupyter-book build . --path-output $(OUT) --all -W -n --keep-going
	PYTHONPATH=tests $(BIN)/python -m checks $(OUT)/_build/html $(if $(filter required,$(BROWSER)),--browser-required)

test: lint ## the fast tests, on all cores, after lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-slow: $(VENV)/installed ## the other tests, a minute or two each
	$(BIN)/python -m pytest -m slow

smoke: $(VENV)/installed ## every notebook by papermill with its smallest settings, Records in an empty folder
	$(BIN)/python -m pytest -m notebook

torture: $(VENV)/installed ## thousands of kills, failing disks, flipped bits and wrong inputs, for the page about trust
	$(BIN)/python benchmarks/torture.py

lint: $(VENV)/installed ## ruff's rules and form, pyright's types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

# without what torch's own build brings, which differs from machine to machine
constraints: $(VENV)/installed ## constraints.txt: the versions of this environment
	$(BIN)/python -m pip freeze --exclude-editable | grep '==' | grep -Ev '^(nvidia-|cuda-|triton)' | \
		sed 's/+[a-z0-9.]*$$//' | LC_ALL=C sort --ignore-case > constraints.txt

VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' pnn/_version.py)
COMMITTED = $(shell git log -1 --format=%ct)
# the same bytes of the same files: names sorted, times that of the commit, no owner, no time in gzip's head
PACK = tar --sort=name --mtime=@$(COMMITTED) --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
	--format=gnu --use-compress-program='gzip -n9'

# the wheel is built from the sdist; the sdist is packed again, since setuptools keeps the time of day in it
release: committed book ## in dist/ the module, the built book and the Records of this commit, with their checksums; needs GNU tar
	rm -rf dist build/release
	mkdir -p build/release
	$(BIN)/python -m pip install --quiet build
	SOURCE_DATE_EPOCH=$(COMMITTED) $(BIN)/python -m build --outdir dist
	tar -xzf dist/polynomial_neurons-$(VERSION).tar.gz -C build/release
	cp -R $(OUT)/_build/html build/release/polynomial-neurons-book-$(VERSION)
	git archive HEAD results | tar -xf - -C build/release
	mv build/release/results build/release/polynomial-neurons-records-$(VERSION)
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

clean: ## remove what was built, and the environment
	rm -rf build dist $(VENV)
