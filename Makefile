# Modules of the workspace, and those outside of it.
REGISTRIES := sd/consul sd/etcd sd/zookeeper
MODULES := . examples internal/e2e metrics $(REGISTRIES) tracing transport/grpckit
OUTSIDE := benchmarks tools/protogen

# The tests of a registry have the machine to themselves, for leases run out on one that
# is busy. The others share it as go test lets packages do: alone, two modules at a time
# with half of the processors each.
OTHERS := $(filter-out $(REGISTRIES),$(MODULES))
HALF := $(shell echo $$(( ($$(getconf _NPROCESSORS_ONLN) + 1) / 2 )))
ALONE := $(addprefix alone/,$(OTHERS) $(OUTSIDE))
LINT := $(addprefix lint/,$(MODULES) $(OUTSIDE))

FUZZTIME ?= 10s

.PHONY: test servers lint bench fuzz cover $(ALONE) $(LINT)

SHELL := bash

# go test tells the figures of what passes only with -v, and then much else.
FIGURES := grep --line-buffered -Ev '^(=== |[[:space:]]*--- PASS)'

# Every test of every module: in the workspace with the race detector, then each
# module alone, as its users see it. There the registries' suites, which are long and
# have just run, are left out by -short. What registries took for what is in the log.
test: servers
	@set -eo pipefail; echo "== $(OTHERS), in the workspace"; \
	go test -race $(OTHERS:%=./%/...) | $(FIGURES)
	@set -eo pipefail; for m in $(REGISTRIES); do \
		echo "== $$m, in the workspace"; (cd $$m && go test -race -v ./... | $(FIGURES)); done
	@$(MAKE) --no-print-directory -j2 $(ALONE)
	@set -eo pipefail; for m in $(REGISTRIES); do \
		echo "== $$m, alone"; (cd $$m && GOWORK=off go test -short ./... | $(FIGURES)); done

$(ALONE): alone/%:
	@set -eo pipefail; case $* in benchmarks) v=-v;; *) v=;; esac; \
	echo "== $*, alone"; cd $*; GOWORK=off go test -p $(HALF) $$v ./... | $(FIGURES)

# The real servers that tests talk to, made once per machine: see CONTRIBUTING.md.
servers:
	go run ./internal/servers/get

lint:
	@$(MAKE) --no-print-directory -j2 $(LINT)
	@# Where lb has assembly, and where it has none.
	GOARCH=arm64 go vet ./lb && go vet -tags purego ./lb
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }

$(LINT): lint/%:
	@set -e; export GOWORK=off; check="$$(cd tools && go tool -n staticcheck)"; \
	echo "== $*"; cd $*; go vet ./...; "$$check" ./...; go mod tidy -diff

# Ratios against peers in one run, as a table. "make bench ARGS=-write" keeps it in
# BENCHMARKS.md.
bench:
	cd benchmarks && GOWORK=off go run . $(ARGS)

# Each fuzz target for a short while.
fuzz:
	@set -e; for m in $(MODULES); do (cd $$m; packages="$$(go list ./...)"; for p in $$packages; do \
		names="$$(go test -list '^Fuzz' $$p)"; for f in $$(echo "$$names" | grep '^Fuzz' || true); do \
			echo "== $$p $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p; \
		done; done); done

cover:
	@mkdir -p cover
	go test -coverprofile=cover/profile -coverpkg=./... ./...
	go tool cover -func=cover/profile | tail -1
	go tool cover -html=cover/profile -o cover/index.html
