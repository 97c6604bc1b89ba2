# Modules of the workspace, and those outside of it.
REGISTRIES := sd/consul sd/etcd sd/zookeeper
MODULES := . examples internal/e2e metrics $(REGISTRIES) tracing transport/grpckit
OUTSIDE := benchmarks tools/protogen

FUZZTIME ?= 10s

.PHONY: test servers lint bench fuzz cover

SHELL := bash

# go test tells the figures of what passes only with -v, and then much else.
FIGURES := grep -Ev '^(=== |[[:space:]]*--- PASS)'

# Every test of every module: in the workspace with the race detector, then each
# module alone, as its users see it. There the registries' suites, which are long and
# have just run, are left out by -short. What registries took for what is in the log.
test: servers
	@set -eo pipefail; for m in $(MODULES); do \
		case " $(REGISTRIES) " in *" $$m "*) v=-v;; *) v=;; esac; \
		echo "== $$m, in the workspace"; (cd $$m && go test -race $$v ./... | $(FIGURES)); done
	@set -eo pipefail; for m in $(MODULES) $(OUTSIDE); do \
		case " $(REGISTRIES) " in *" $$m "*) short=-short;; *) short=;; esac; \
		case $$m in benchmarks) v=-v;; *) v=;; esac; \
		echo "== $$m, alone"; (cd $$m && GOWORK=off go test $$short $$v ./... | $(FIGURES)); done

# The real servers that tests talk to, made once per machine: see CONTRIBUTING.md.
servers:
	go run ./internal/servers/get

lint:
	@set -e; check="$$(cd tools && GOWORK=off go tool -n staticcheck)"; \
	for m in $(MODULES) $(OUTSIDE); do echo "== $$m"; \
		(cd $$m && export GOWORK=off && go vet ./... && "$$check" ./... && go mod tidy -diff); done
	@# Where lb has assembly, and where it has none.
	GOARCH=arm64 go vet ./lb && go vet -tags purego ./lb
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }

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
