.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := libs/common services/auth services/catalog services/playlist services/media gateway cli
EDITABLE := $(addprefix -e ,$(PACKAGES))
# Only wheels, only pinned hashes; our own packages come after, without dependencies.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help run test test-terraform test-terraform-full faults faults-full lint contracts measure bench bench-bus bench-capacity lock clean up demo down logs images sbom drill-rolling drill-backup infra-plan infra infra-destroy push deploy rollback rotate task

help: ## Show what there is to do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t16

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Antiphon needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "This Python cannot make virtual environments. On Debian or Ubuntu: sudo apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt $(addsuffix /pyproject.toml,$(PACKAGES)) | $(BIN)/python
	@echo "Installing Antiphon into $(VENV) (once, a minute or two) ..."
	$(PIP) install --only-binary=:all: --require-hashes -r requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation $(EDITABLE)
	@# Antiphon's processes run without docstrings (PYTHONOPTIMIZE=2); compile now, not at each first start.
	@$(BIN)/python -OO -m compileall -q -j 0 $(VENV)/lib > /dev/null || true
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "Installing what the tests need ..."
	$(PIP) install --only-binary=:all: --require-hashes -r requirements/dev.txt
	@touch $@

run: $(VENV)/.run ## Start all of Antiphon on http://localhost:8080
	@exec $(BIN)/antiphon up

test: $(VENV)/.dev ## Run all tests, those with SQL on SQLite and on MySQL or MariaDB
	@$(BIN)/python -m common.testing.mariadb
	$(BIN)/python -m pytest -n auto --dist loadfile

# An environment of its own: checkov asks for old versions of what others need newer.
TERRAFORM_VENV := .venv-terraform
TERRAFORM_TESTS = $(TERRAFORM_VENV)/bin/python -m pytest -c terraform/tests/pytest.ini terraform/tests
$(TERRAFORM_VENV)/.installed: requirements/terraform.txt
	@echo "Installing what terraform/ is tested and deployed with into $(TERRAFORM_VENV) ..."
	$(PYTHON) -m venv $(TERRAFORM_VENV)
	$(TERRAFORM_VENV)/bin/python -m pip --disable-pip-version-check --quiet install \
	  --only-binary=:all: --require-hashes -r requirements/terraform.txt
	@touch $@

test-terraform: $(TERRAFORM_VENV)/.installed ## Check terraform/, apply it to an AWS of our own and look (under 6 minutes)
	$(TERRAFORM_TESTS) -m "not full"

test-terraform-full: $(TERRAFORM_VENV)/.installed ## The same, the first install, prod, and destroy
	$(TERRAFORM_TESTS)

faults: $(VENV)/.dev ## Kill every part in mid-stream and count (under 15 minutes)
	$(BIN)/python -m tests.faults standard

faults-full: $(VENV)/.dev ## The same with the longest outages and most events (hours)
	$(BIN)/python -m tests.faults full

lint: $(VENV)/.dev ## Check style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/python contracts/compatibility.py
	@for package in $(PACKAGES) contracts tests terraform; do $(BIN)/mypy $$package || exit 1; done

contracts: $(VENV)/.dev ## Build schemas, OpenAPI and AsyncAPI documents and the pages of events from the code
	$(BIN)/python contracts/build.py

measure: $(VENV)/.run ## Measure how soon Antiphon is ready and how much memory it takes
	$(BIN)/python cli/bench/measure.py

bench: bench-bus ## Measure how fast Antiphon is

bench-bus: $(VENV)/.dev ## Measure the bus: commit to effect, and what the outbox costs (4 minutes)
	$(BIN)/python tests/bench/bus.py

# SCALE=1: two of everything. CLOUDINARY=1: media's files are kept there, see docs/operations.md.
COMPOSE = $(if $(CLOUDINARY),STORAGE=cloudinary) docker compose -f docker-compose.yml $(if $(SCALE),-f docker-compose.scale.yml) \
  $(if $(CLOUDINARY),-f docker-compose.cloudinary.yml)

up: ## Build and start all of Antiphon in containers, on http://localhost:8080
	$(COMPOSE) up --build --wait --quiet-pull --remove-orphans
	@echo "Antiphon is ready on $${ANTIPHON_URL:-http://localhost:8080} (try: make demo)"

demo: $(VENV)/.run ## Publish six pieces of demo music in what runs on http://localhost:8080
	$(BIN)/antiphon demo

down: ## Stop the containers; their data stays (remove it too: make down VOLUMES=1)
	$(COMPOSE) --profile '*' down --remove-orphans $(if $(VOLUMES),--volumes)

logs: ## Follow the containers' logs
	$(COMPOSE) logs --follow --tail 100

images: ## Build the containers' images and show their sizes
	$(COMPOSE) build
	@docker images --filter 'reference=antiphon/*' --format 'table {{.Repository}}\t{{.Size}}'

drill-rolling: $(VENV)/.dev ## Replace a service's containers one by one under load: no request may fail
	$(BIN)/python -m tests.containers.rolling

drill-backup: $(VENV)/.dev ## Back up the stack, remove it, restore it, compare (its data is lost)
	$(BIN)/python -m tests.containers.backup

bench-capacity: $(VENV)/.dev ## Measure what a request costs each container, and their memory
	$(BIN)/python -m tests.containers.capacity

sbom: ## List what is in the images, as CycloneDX and Debian packages, in build/sbom
	docker build --quiet --target sbom --output build/sbom .

# On AWS, ENV=dev or prod: terraform/README.md. Each asks before it changes anything; YES=1 does not.
STACK = PYTHONPATH=terraform $(TERRAFORM_VENV)/bin/python -m stack $(if $(YES),--yes)
infra-plan: $(TERRAFORM_VENV)/.installed ## Show what would change on AWS
	$(STACK) plan $(ENV)

infra: $(TERRAFORM_VENV)/.installed ## Change what there is on AWS; what runs keeps its images
	$(STACK) apply $(ENV)

infra-destroy: $(TERRAFORM_VENV)/.installed ## Remove everything from AWS
	$(STACK) destroy $(ENV)

push: $(TERRAFORM_VENV)/.installed ## Build the images and push them to ECR as TAG
	$(STACK) push $(ENV) $(TAG)

deploy: $(TERRAFORM_VENV)/.installed ## Migrate, then run TAG on AWS; SERVICE=catalog for one only
	$(STACK) deploy $(ENV) $(TAG) $(if $(SERVICE),--service $(SERVICE))

rollback: $(TERRAFORM_VENV)/.installed ## Run an older TAG on AWS; schemas stay
	$(STACK) rollback $(ENV) $(TAG) $(if $(SERVICE),--service $(SERVICE))

rotate: $(TERRAFORM_VENV)/.installed ## Give databases and Redis on AWS new passwords
	$(STACK) rotate $(ENV)

task: $(TERRAFORM_VENV)/.installed ## Run a task such as cli on AWS, with ARGS
	$(STACK) task $(ENV) $(TASK) -- $(ARGS)

lock: ## Pin requirements again (needs uv)
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links requirements/dev.in -o requirements/dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links -c requirements/dev.txt requirements/run.in -o requirements/run.txt
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links requirements/terraform.in -o requirements/terraform.txt

clean: ## Remove the virtual environments (data/ stays)
	rm -rf $(VENV) $(TERRAFORM_VENV)
