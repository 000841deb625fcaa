# make run                      process the built-in sample movie
# make run MOVIES=~/films       process your own; OUT=... for the results
# make run GPU=1                the same on an NVIDIA GPU; installs CUDA's libraries, see docs/gpu.md
# make test                     all tests but the slow ones
# make check                    style, types, import rules
PYTHON ?= python3
MOVIES ?=
OUT ?= outputs
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock

.PHONY: run test test-slow test-damage fuzz audit licences screenshots reference media-page test-cluster bench bench-peers bench-networks soak check format lock clean
# One environment has one ONNX Runtime: the packages onnxruntime and onnxruntime-gpu overwrite each other's files.
GPU_RUNTIME := onnxruntime-gpu[cuda,cudnn]==1.31.1
READY := $(VENV)/installed$(if $(GPU),-gpu)


run: $(READY)
	$(BIN)/moodreel $(if $(strip $(MOVIES)),run $(MOVIES),demo) --out "$(OUT)"

test: $(VENV)/installed-dev
	$(BIN)/pytest -n auto

test-slow: $(VENV)/installed-dev
	$(BIN)/pytest -m slow

# Damaged films through the whole job: about half an hour.
test-damage: $(VENV)/installed-dev
	$(BIN)/pytest -m slow tests/jobs/run/test_damaged.py

# Coverage-guided fuzzing of probe, scan and decode; findings go to fuzzing/found.
MINUTES ?= 60
fuzz: $(VENV)/installed-dev
	$(INSTALL) --editable '.[sample,dev,fuzz]'
	$(BIN)/python tests/fuzz/run_fuzz.py --minutes $(MINUTES)

# The lock against known weaknesses; needs an index that publishes them.
audit:
	test -x $(VENV)-audit/bin/pip-audit || { $(PYTHON) -m venv $(VENV)-audit && $(VENV)-audit/bin/pip install --quiet pip-audit; }
	$(VENV)-audit/bin/pip-audit --requirement requirements.lock --no-deps --disable-pip --strict

licences: $(VENV)/installed
	$(BIN)/python scripts/licences.py

soak: $(VENV)/installed-dev
	$(BIN)/pytest -m slow tests/crash

# The pictures in docs/screenshots.
screenshots: $(VENV)/installed-dev
	$(BIN)/python scripts/screenshots.py
	$(BIN)/python scripts/live_screenshots.py

# docs/reference.md, from the code.
reference: $(VENV)/installed
	$(BIN)/python scripts/make_reference.py

# docs/media.md, from the tests.
media-page: $(VENV)/installed
	$(BIN)/python scripts/make_media_page.py

test-cluster: $(VENV)/installed-dev
	$(INSTALL) --editable '.[sample,dev,ray]'
	$(BIN)/pytest tests/jobs/executors/test_ray_cluster.py

# Minutes, and honest only while nothing else runs. BENCH=... for the folder of films and figures.
BENCH ?= benchmarks
bench: $(VENV)/installed-dev
	$(BIN)/python tests/benchmarks/speed.py --out "$(BENCH)"

# The same with the package fer, which needs 8 GB of its own.
bench-peers: $(VENV)/installed-dev $(VENV)-fer/installed
	$(BIN)/python tests/benchmarks/speed.py --out "$(BENCH)" --films 720p --peer $(VENV)-fer/bin/python

$(VENV)-fer/installed:
	$(PYTHON) -m venv $(VENV)-fer
	$(VENV)-fer/bin/pip install --quiet 'fer==25.10.3' 'setuptools<81'
	touch $@

bench-networks: $(VENV)/installed-dev
	$(BIN)/python tests/benchmarks/networks.py

check: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/installed: pyproject.toml requirements.lock scripts/system-packages.sh
	scripts/system-packages.sh $(PYTHON)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	if test -e $@-gpu; then $(BIN)/pip uninstall --quiet --yes onnxruntime-gpu onnxruntime; rm $@-gpu; fi
	$(INSTALL) --editable '.[sample]'
	touch $@

$(VENV)/installed-gpu: $(VENV)/installed
	$(BIN)/pip uninstall --quiet --yes onnxruntime
	$(BIN)/pip install --quiet --disable-pip-version-check '$(GPU_RUNTIME)'
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	scripts/system-packages.sh $(PYTHON) tests
	$(INSTALL) --editable '.[sample,dev]'
	touch $@

# The newest versions that pyproject.toml allows, tried in a fresh environment.
lock:
	rm -rf $(VENV)-lock
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet '.[sample,dev,ray]'
	$(VENV)-lock/bin/pip freeze --exclude moodreel > requirements.lock
	rm -rf $(VENV)-lock build

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
