# ringway: what one types. Everything needs Node (>= 20.19) and npm, nothing else.
#
#   make run                  install, build, and start the proxy on an embedded demo
#   make run CONFIG=file      … on your own haproxy.cfg (ARGS="-dW …" adds flags)
#   make test                 install, build, lint, run every test
#   make test-soak            the long form of the endurance test: a million requests, 10 000 idle connections
#   make test-handshakes      10 000 broken, interrupted and foolish TLS handshakes
#   make test-one F=path      one test file, fast: make test-one F=proxy/control/workers
#   make test-fuzz            both configuration languages against 50 000 random texts
#   make test-ha-long         the sidecar's long tests: a million random packets, to its parser and to a daemon
#   make package              the tarball with manual pages and completion, tried out unpacked
#   make bench                compare with HAProxy and nginx where they are installed (bench/README.md)
#   make bench-reload         50 reloads under load, and what they lose
#   make bench-garbage        what five million requests leave to the garbage collector
#   make bench-ha             failover times beside keepalived's, in network namespaces (root)
#   make clean

NODE ?= node
CONFIG ?=
ARGS ?=
# What is installed is what the lock file says: a copy of it in node_modules tells, whatever the files' dates are.
INSTALLED := node_modules/.ringway-lock
# tap builds its plugin set once per installation; its first test run would fail if it had to do so by itself.
TAP_BUILT := node_modules/.ringway-taprc

.PHONY: run test test-soak test-handshakes test-fuzz test-ha-long test-one lint build install package bench bench-reload bench-garbage bench-ha clean

run: build
ifeq ($(CONFIG),)
	@$(NODE) dist/proxy/demo/demo.js
else
	@exec $(NODE) dist/proxy/main.js -db $(ARGS) -f $(CONFIG)
endif

test: install
	@rm -rf dist
	npm run --silent build
	npm run --silent lint
	@cmp -s .taprc $(TAP_BUILT) || { npx tap build && cp .taprc $(TAP_BUILT); }
	$(NODE) dist/shared/tools/run-tests.js

test-one: build
	$(NODE) --enable-source-maps dist/$(F).test.js

test-soak: build
	RINGWAY_SOAK=1 $(NODE) --enable-source-maps dist/proxy/test/soak.test.js

test-handshakes: build
	RINGWAY_HANDSHAKES=10000 $(NODE) --enable-source-maps dist/proxy/test/tls-clients.test.js

test-ha-long: build
	RINGWAY_FUZZ=1000000 npx tap --timeout=1800 dist/ha-sidecar/vrrp/packet.test.js dist/ha-sidecar/test/load.test.js

test-fuzz: build
	RINGWAY_FUZZ=50000 npx tap --timeout=600 dist/proxy/config/language-fuzz.test.js dist/ha-sidecar/config/fuzz.test.js

lint: install
	npm run --silent lint

build: install
	@npm run --silent build

install:
	@cmp -s package-lock.json $(INSTALLED) || { npm ci && cp package-lock.json $(INSTALLED); }

package: build
	npm pack
	RINGWAY_PACKAGE=1 $(NODE) --enable-source-maps dist/proxy/test/package.test.js

bench: build
	$(NODE) dist/bench/main.js $(ARGS)

bench-reload: build
	$(NODE) dist/bench/reload/main.js $(ARGS)

bench-garbage: build
	$(NODE) dist/bench/garbage/main.js $(ARGS)

bench-ha: build
	$(NODE) dist/bench/failover/main.js $(ARGS)

clean:
	rm -rf dist .tap
