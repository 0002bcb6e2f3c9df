# make run   - chatsec with its engines and the demo organisation (PORT, CHATSEC_DATA_DIR)
# make test  - the whole test suite (WORKERS)   make check - what continuous integration runs
# Needs Python 3.11 or newer and nothing else; PYTHON=python3.12 chooses another one.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 8000
WORKERS ?= 2
export PORT

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

# A production start as far as `check --deploy` looks, with secrets made for the moment.
SECRETS = from chatsec.installation import generated as made; \
	print(*(f"{name}={value}" for name, value in made().items()))
PRODUCTION = env CHATSEC_ENV=production CHATSEC_ALLOWED_HOSTS=chatsec.example \
	CHATSEC_PUBLIC_URL=https://chatsec.example \
	EMAIL_URL=smtp+tls://mail.chatsec.example:587 \
	CHATSEC_AUDIT_ANCHORS=syslog://log.chatsec.example:514,mailto:dpo@chatsec.example $$($(BIN)/python -c '$(SECRETS)')

.PHONY: run dev test check format-check lint types contracts deploy-check \
	migrations-check format bench prove browser lock demo-users roles stop clean
.DEFAULT_GOAL := run

run dev: $(VENV)/.installed
	@exec $(BIN)/python manage.py dev --with-parent

# Each worker has engines of its own; tests/scheduling.py says what stays with one worker.
# The servers that tests start import the same modules again and again: compiled, once.
test: $(VENV)/.installed-dev
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses $(WORKERS)

# What is quick comes first. Reading types keeps one core busy only, and tests that wait for
# servers leave some of theirs: so they go side by side.
check: format-check lint contracts deploy-check migrations-check
	@$(MAKE) --no-print-directory --jobs=2 types test

format-check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	@! grep -rnE 'device\.verify_token\(' --include='*.py' . --exclude-dir=$(VENV) \
		|| { echo 'Verify codes through django_otp.verify_token or match_token: they lock the row.'; exit 1; }

types: $(VENV)/.installed-dev
	CHATSEC_ENGINES=off $(BIN)/mypy .

contracts: $(VENV)/.installed-dev
	CHATSEC_ENGINES=off $(BIN)/lint-imports

deploy-check: $(VENV)/.installed-dev
	@$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

migrations-check: $(VENV)/.installed-dev
	$(BIN)/python manage.py makemigrations --check --dry-run

bench: $(VENV)/.installed-dev $(VENV)/.installed-baselines
	$(BIN)/python -m benchmarks

# The same tests with big counts; takes long.
prove: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m prove

browser: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m browser

lock: $(VENV)/.installed-dev
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --output-file requirements.txt requirements.in
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --output-file requirements-dev.txt requirements-dev.in
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --no-deps \
		--output-file requirements-baselines.txt requirements-baselines.in

demo-users: $(VENV)/.installed
	@$(BIN)/python manage.py demo_users

roles: $(VENV)/.installed
	@$(BIN)/python manage.py db_roles

stop: $(VENV)/.installed
	$(BIN)/python -m chatsec.embedded stop

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "chatsec needs Python 3.11 or newer, and $(PYTHON) is not:" \
			"install one and name it, for example PYTHON=python3.12 make run" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python's venv module is missing: on Debian and Ubuntu, apt install python3-venv" >&2; exit 1; }

# The stamps keep a second call from asking the package index anything.
$(VENV)/.installed: requirements.txt | $(BIN)/python
	@echo "Installing packages into $(VENV) (once) ..."
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "Installing development packages into $(VENV) (once) ..."
	@$(PIP) -r requirements-dev.txt
	@touch $@

$(VENV)/.installed-baselines: requirements-baselines.txt $(VENV)/.installed-dev
	@$(PIP) --no-deps --upgrade --target $(VENV)/baselines -r requirements-baselines.txt
	@touch $@
