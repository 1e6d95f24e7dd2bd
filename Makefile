# The doors of the house. Each target does all its own set-up and keeps what it built.
.PHONY: run test bench lint fmt

# Serves a small demo folder through a real nginx, and follows edits of it.
run:
	@e2e/tools/trial $(ARGS)

# Every test there is, with real proxies and a real Kubernetes API server.
test:
	@e2e/tools/test

# Figures, with their budgets beside them.
bench:
	@e2e/tools/bench

# Format, lints, documentation, shell scripts: all that is checked without running anything.
lint:
	@e2e/tools/lint

fmt:
	@cargo fmt --all
