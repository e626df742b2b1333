# Spurwheel. A fresh machine needs Go 1.26 and Python 3.11 (with venv), nothing else: every other tool is fetched at a pinned
# version. Only test-race wants a C compiler too.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO       ?= go
PYTHON   ?= python3
BUILD    := build
BINARY   := $(BUILD)/spurwheel
GPU_BINARY := $(BUILD)/spurwheel-gpu
VENV     := $(BUILD)/venv
TOOLS    := $(BUILD)/tools
MODULE   := github.com/spurwheel/spurwheel
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 60s

# What each suite may take on two cores; a suite that needs more is split or made faster, not given more.
UNIT_BUDGET   ?= 12m
CLIENT_BUDGET ?= 14m
RACE_BUDGET   ?= 15m
FAULT_BUDGET  ?= 75m
MINIO_BUDGET  ?= 5m
SIM_BUDGET     ?= 10m
CLUSTER_BUDGET ?= 20m

export CGO_ENABLED := 0

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## Build

.PHONY: build
build: ## the binary, build/spurwheel
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BINARY) ./cmd/spurwheel

.PHONY: build-gpu
build-gpu: ## the helper for GPUs, build/spurwheel-gpu; it lies beside the binary, which finds it there
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(GPU_BINARY) ./cmd/spurwheel-gpu

.PHONY: run
run: build $(VENV)/.client ## the main job through a fresh server, which then stays up until Ctrl-C; ONCE=1 ends after the report
	$(VENV)/bin/python python/run.py --binary $(BINARY) $(if $(ONCE),--once)

.PHONY: venv
venv: $(VENV)/.test ## build/venv: the PySpark client and what the tests need beside it

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.client: python/requirements.txt | $(VENV)/bin/python
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

$(VENV)/.test: python/requirements-test.txt $(VENV)/.client
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

.PHONY: clean
clean: ## removes everything that was built
	rm -rf $(BUILD)

## Tests

.PHONY: test
test: test-unit test-client ## all tests of CI: under 20 minutes on two cores

.PHONY: test-unit
test-unit: $(TOOLS)/.versitygw ## Go unit tests
	SPURWHEEL_TEST_S3_SERVER=$(abspath $(TOOLS))/versitygw timeout $(UNIT_BUDGET) $(GO) test -timeout $(UNIT_BUDGET) ./...

.PHONY: test-client
test-client: build $(VENV)/.test $(TOOLS)/.versitygw $(TOOLS)/.faultfs ## an unmodified PySpark client against the binary
	timeout $(CLIENT_BUDGET) $(VENV)/bin/python -m pytest -q python/tests

SIM_SEEDS ?= 30000

.PHONY: test-sim
test-sim: ## the cluster in virtual time: SIM_SEEDS (30000) stories of crashes, cuts, pauses and lost messages
	SPURWHEEL_SIM_SEEDS=$(SIM_SEEDS) timeout $(SIM_BUDGET) $(GO) test -count=1 -timeout $(SIM_BUDGET) -run TestSimulatedCluster -v ./scheduler/driver

.PHONY: test-cluster
test-cluster: build $(VENV)/.test $(TOOLS)/.versitygw $(TOOLS)/.faultfs ## the client's tests on three schedulers and three workers
	SPURWHEEL_CLUSTER=3,3 timeout $(CLUSTER_BUDGET) $(VENV)/bin/python -m pytest -q python/tests

.PHONY: test-minio
test-minio: build $(VENV)/.test $(TOOLS)/.minio ## the object store's tests against MinIO instead of versitygw
	SPURWHEEL_TEST_S3_SERVER=$(abspath $(TOOLS))/minio $(GO) test -count=1 -run Server ./connectors/s3
	SPURWHEEL_TEST_S3_SERVER=$(abspath $(TOOLS))/minio timeout $(MINIO_BUDGET) $(VENV)/bin/python -m pytest -q python/tests/test_s3.py

# What is drawn, and how much of it: some faults come too late to strike, 200 do.
FAULT_JOBS ?= 230
FAULT_SEED ?= 1
FAULTS := cd python/tests && SPURWHEEL_FAULTFS=$(abspath $(TOOLS))/faultfs timeout $(FAULT_BUDGET) $(abspath $(VENV))/bin/python -m faults \
  --logs $(abspath $(BUILD))/faults

.PHONY: test-faults
test-faults: build $(VENV)/.test $(TOOLS)/.faultfs ## FAULT_JOBS (230) jobs on a cluster of processes that are killed, stopped, cut off, whose disks fail; the last two proofs want a quiet machine
	mkdir -p bench/results
	$(FAULTS) --jobs $(FAULT_JOBS) --seed $(FAULT_SEED) --report $(abspath bench/results)/faults.md
	$(FAULTS) --leader 50 --seed $(FAULT_SEED) --report $(abspath bench/results)/faults-leader.txt
	$(FAULTS) --halftime --seed $(FAULT_SEED) --report $(abspath bench/results)/faults-halftime.txt

SOAK_MINUTES ?= 60

.PHONY: soak
soak: FAULT_BUDGET := 26h
soak: build $(VENV)/.test ## SOAK_MINUTES (60) of jobs while both cores are starved: memory, goroutines, nobody taken for dead
	mkdir -p bench/results
	$(FAULTS) --soak --starve --minutes $(SOAK_MINUTES) --report $(abspath bench/results)/soak.txt

.PHONY: test-race
test-race: ## scheduler, worker and gateway under the race detector (needs a C compiler)
	CGO_ENABLED=1 timeout $(RACE_BUDGET) $(GO) test -race -timeout $(RACE_BUDGET) \
	  $$($(GO) list ./... | grep -E '^$(MODULE)/(scheduler|worker|gateway)(/|$$)')

# Two workers, as many as the small machine has cores. Minimising is cut short: it goes on for a minute per new input otherwise. The
# collector keeps a worker small; what a hostile input makes it allocate beyond the address space fails as a crash of that input.
FUZZ_FLAGS  := -parallel 2 -fuzzminimizetime 5x
FUZZ_HEAP   := 1GiB
FUZZ_SPACE  := 6291456 # KiB

.PHONY: test-gpu
test-gpu: build-gpu ## device code without a device: the twins of the kernels behind a fake CUDA driver (needs clang++-19, clang++ or g++)
	gpu/kernel/twin/build.sh $(BUILD)/gpu/libfakecuda.so
	SPURWHEEL_TEST_CUDA=$(abspath $(BUILD)/gpu/libfakecuda.so) SPURWHEEL_GPU_HELPER=$(abspath $(GPU_BINARY)) \
	  $(GO) test -count=1 -timeout 10m ./gpu/... ./cmd/spurwheel-gpu/...

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (60s); all run, then it fails if one did
	@ulimit -v $(FUZZ_SPACE); export GOMEMLIMIT=$(FUZZ_HEAP); targets=$$($(GO) test -list '^Fuzz' ./... \
	  | awk '/^Fuzz/ {name[n++] = $$1} /^ok/ {for (i = 0; i < n; i++) print $$2, name[i]; n = 0} /^FAIL/ {exit 1}'); \
	failed=0; while read -r package target; do \
	  echo "$$package $$target"; \
	  $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $(FUZZ_FLAGS) "$$package" </dev/null || failed=$$((failed + 1)); \
	done <<<"$$targets"; \
	echo "$$(wc -l <<<"$$targets") fuzz targets, $$failed failed"; test $$failed = 0

# Real Spark's answers, recorded, and what compares them; absent, the target says so.
PARITY_RUNNER ?= ../shared/parity
PARITY_DATA   ?= ../shared/data/parity

.PHONY: parity
parity: build $(VENV)/.test ## how much of Spark's recorded answers and of PySpark's doctests comes out alike
	SPURWHEEL_PARITY=$(abspath $(PARITY_DATA)) $(GO) test -count=1 -run '^TestParity$$' ./dataset/sql ./dataset/analyze
	$(VENV)/bin/python python/parity.py --runner $(PARITY_RUNNER) --data $(PARITY_DATA)

## Benchmarks

.PHONY: bench-tpch
bench-tpch: build $(VENV)/.test ## TPC-H SF1 beside DuckDB, Sail and Spark, interleaved; results under bench/results
	$(VENV)/bin/python bench/rivals/tpch.py --sf 1

# The corpus and the sets of the evaluation; absent, the target says so.
WORD2VEC_DATA ?= ../shared/data/word2vec

.PHONY: bench-word2vec
bench-word2vec: build $(VENV)/.test ## word2vec beside gensim: speed, vocabulary, memory, cost as the corpus grows; 14 minutes
	$(VENV)/bin/python bench/rivals/word2vec.py --data $(WORD2VEC_DATA)

.PHONY: quality-word2vec
quality-word2vec: build $(VENV)/.test ## word2vec beside gensim: similarity and analogies over three seeds, those not measured yet; 25 minutes
	$(VENV)/bin/python bench/rivals/word2vec.py --data $(WORD2VEC_DATA) --quality

# 12 rounds of tasks and 5 of bytes take about three minutes.
BENCH_CLUSTER_BUDGET ?= 5m

.PHONY: bench-cluster
bench-cluster: ## tasks/s and delays of a cluster of processes, GB a CPU second between workers: bench/results/cluster.md; 4 minutes
	mkdir -p $(BUILD) bench/results
	$(GO) build -trimpath -o $(BUILD)/bench-cluster ./bench/cluster
	$(GO) build -trimpath -o $(BUILD)/bench-shuffle ./bench/shuffle
	timeout $(BENCH_CLUSTER_BUDGET) $(SHELL) $(.SHELLFLAGS) '$(BUILD)/bench-shuffle -json bench/results/cluster-shuffle.json; \
	  $(BUILD)/bench-cluster -shuffle bench/results/cluster-shuffle.json -json bench/results/cluster.json -table bench/results/cluster.md'

.PHONY: bench-footprint
bench-footprint: build $(VENV)/.test ## start-up time, idle memory, peak memory under a small budget
	$(VENV)/bin/python bench/rivals/footprint.py

## Checks

.PHONY: check
check: check-format check-vet check-lint check-layers check-generated ## format, vet, lint, layers, generated code

.PHONY: check-format
check-format: $(TOOLS)/.stamp
	@unformatted=$$(find . -name '*.go' -not -name '*.pb.go' -not -path './$(BUILD)/*' | xargs $(TOOLS)/gofumpt -l); \
	if [ -n "$$unformatted" ]; then echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; fi

.PHONY: check-vet
check-vet:
	$(GO) vet ./...

.PHONY: check-lint
check-lint: $(TOOLS)/.stamp
	$(TOOLS)/golangci-lint run ./...

.PHONY: check-layers
check-layers:
	$(GO) test ./internal/layers

.PHONY: check-generated
check-generated: generate
	@changed=$$(git status --porcelain -- api docs/functions.md); \
	if [ -n "$$changed" ]; then echo "generated code differs from what is committed:"; echo "$$changed"; exit 1; fi

.PHONY: ptx
ptx: ## compiles the GPU kernels (needs Debian's clang-19; nothing of NVIDIA's)
	gpu/kernel/ptx.sh gpu/kernel/ptx

.PHONY: check-ptx
check-ptx: ## the committed PTX is what the kernels compile to
	gpu/kernel/ptx.sh $(BUILD)/gpu/ptx
	diff -rq $(BUILD)/gpu/ptx gpu/kernel/ptx

.PHONY: bench-gpu
bench-gpu: ## training on this machine's GPUs; DRY_RUN=1 takes the fake driver
	bench/gpu/run.sh $(if $(DRY_RUN),--dry-run)

.PHONY: fmt
fmt: $(TOOLS)/.stamp ## formats the Go code
	$(TOOLS)/golangci-lint fmt ./...

$(TOOLS)/.stamp: tools/go.mod tools/go.sum
	GOBIN=$(abspath $(TOOLS)) $(GO) install -modfile=tools/go.mod tool
	touch $@

# Object stores to test against. They are programs of their own, in modules of their own: nothing of them is linked into
# Spurwheel (MinIO is under the AGPL), and what they depend on is not in go.mod.
$(TOOLS)/.versitygw $(TOOLS)/.minio: $(TOOLS)/.%: tools/%/go.mod tools/%/go.sum
	GOBIN=$(abspath $(TOOLS)) $(GO) install -C tools/$* tool
	touch $@

# A file system that fails when told to, for the fault tests.
$(TOOLS)/.faultfs: tools/faultfs/go.mod tools/faultfs/go.sum $(wildcard tools/faultfs/*.go)
	$(GO) build -C tools/faultfs -o $(abspath $(TOOLS))/faultfs .
	touch $@

## Generated code

SPARK_OUT := api/spark/connect
OWN_OUT   := api/spurwheel/v1

.PHONY: generate
generate: ## Go code of the messages under api/, the list of functions
	@mkdir -p $(BUILD)
	$(GO) run ./dataset/function/gendocs >$(BUILD)/functions.md && mv $(BUILD)/functions.md docs/functions.md
	$(GO) run ./internal/protogen -in $(SPARK_OUT)/spark_connect.binpb -out $(SPARK_OUT) -pkg $(MODULE)/$(SPARK_OUT) -name connect
ifneq ($(wildcard $(OWN_OUT)/*.proto),)
	$(GO) run ./internal/protogen -in $(OWN_OUT) -out $(OWN_OUT) -pkg $(MODULE)/$(OWN_OUT) -name spurwheelv1
endif
