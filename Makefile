# ghgd: one Makefile, no recursion except for the suites, which build the same rules with other flags.
# `make help` lists the targets. Variables: CC, CFLAGS, SAN (sanitizers), CI (warnings are errors),
# V=1 (print each command), PREFIX, DESTDIR, FUZZ_SECONDS, FAULTS, SEED, ONLY, FOR (ends the demo, 20s say),
# REV (to measure against) and TURNS.
VERSION := 0.1.0
PREFIX  ?= /usr/local
BUILD   ?= build
CFLAGS  ?= -O2 -g
ifeq ($(origin CC),default)
CC      := gcc
endif
CXX     := $(if $(findstring clang,$(CC)),clang++,g++)
PYTHON  := /usr/bin/python3
comma   := ,
ifndef V
.SILENT:
endif
FUZZ_SECONDS  ?= 60
FAULTS        ?= 20
SEED          ?= 1
ONLY          ?= 0
REV           ?= HEAD~1
TURNS         ?= 5
CATALOGUE_DIR := $(CURDIR)/config/factors

# ---- flags
PKGS   := libuv rdkafka libcurl libcrypto libmicrohttpd libfyaml glib-2.0 sqlite3 zlib libxxhash libsystemd gmp
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LDLIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lcsv -lmsgpackc -lsimdjson -lstdc++ \
          -lm -lpthread
WARN   := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
          -Wundef -Wformat=2
INSTRUMENT := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer) \
          $(if $(COVERAGE),--coverage)
DEFS    = -D_GNU_SOURCE -DGHGD_VERSION='"$(VERSION)"' -DGHGD_CATALOGUE_DIR='"$(CATALOGUE_DIR)"'
COMMON  = $(DEFS) -I. -fno-common $(if $(CI),-Werror) $(INSTRUMENT)
BASE    = -std=gnu17 -ffp-contract=off $(WARN) $(COMMON)
# vptr needs the C++ half of the sanitizer, and a C compiler links.
BASEXX  = -std=gnu++17 -Wall -Wextra -fno-exceptions $(COMMON) $(if $(SAN),-fno-sanitize=vptr)
O      := $(BUILD)/$(notdir $(CC))$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(COVERAGE),-coverage)

# ---- files
files    = $(sort $(shell find $(1) -name '$(2)'))
ROOMS   := base config pipelines daemon
HEADERS := $(call files,$(ROOMS),*.h)
MACHINE := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))
SRC     := $(call files,$(ROOMS),*.c)
SRCXX   := $(call files,$(ROOMS),*.cc)
TEST_SRC  := $(call files,tests/unit,test_*.c)
TEST_HELP := $(filter-out $(TEST_SRC),$(call files,tests/unit,*.c))
FUZZ_SRC  := $(wildcard tests/fuzz/fuzz_*.c)
BENCH_SRC := $(wildcard bench/*.c)
BENCH_HELP := $(wildcard bench/*/*.c)
LIB_OBJ := $(patsubst %.c,$(O)/%.o,$(filter-out daemon/main.c,$(SRC))) \
           $(patsubst %.cc,$(O)/%.o,$(SRCXX))
# librdkafka's threads, in a form that the thread sanitizer knows.
TSAN_OBJ := $(if $(findstring thread,$(SAN)),$(O)/tests/tsan/c11_threads.o)
TESTS   := $(patsubst %.c,$(O)/%,$(TEST_SRC))
FUZZERS := $(patsubst %.c,$(O)/%,$(FUZZ_SRC))
BENCHES := $(patsubst %.c,$(O)/%,$(BENCH_SRC))

# ---- building
$(BUILD)/ghgd: $(O)/ghgd ## build the daemon
	cp -f $< $@
all: $(BUILD)/ghgd
$(O)/ghgd: $(O)/daemon/main.o $(TSAN_OBJ) $(O)/libghgd.a
	echo "  LD $@"
	$(CC) $(BASE) $(LDFLAGS) $^ $(LDLIBS) -o $@
$(O)/libghgd.a: $(LIB_OBJ)
	mkdir -p $(@D); rm -f $@; ar rcs $@ $^
$(TESTS): $(O)/%: $(O)/%.o $(TSAN_OBJ) $(O)/libtest.a $(O)/libghgd.a
	echo "  LD $@"
	$(CC) $(BASE) $(LDFLAGS) $^ -lcmocka $(LDLIBS) -o $@
# Code that tests share lies beside them, in files not named test_*.
$(O)/libtest.a: $(patsubst %.c,$(O)/%.o,$(TEST_HELP))
	mkdir -p $(@D); rm -f $@; ar rcs $@ $^
# Code that benchmarks share lies in folders of bench.
$(O)/libbench.a: $(patsubst %.c,$(O)/%.o,$(BENCH_HELP))
	mkdir -p $(@D); rm -f $@; ar rcs $@ $^
$(BENCHES): $(O)/%: $(O)/%.o $(O)/libbench.a $(O)/libghgd.a
	echo "  LD $@"
	$(CC) $(BASE) $(LDFLAGS) $^ $(LDLIBS) -o $@
# Programs that a test against real servers needs besides the daemon.
$(O)/tests/metering/%: $(O)/tests/metering/%.o $(TSAN_OBJ) $(O)/libghgd.a
	echo "  LD $@"
	$(CC) $(BASE) $(LDFLAGS) $^ $(LDLIBS) -o $@
# Its forecast is a simple one, which the oracle has too.
$(O)/tests/trajectory/%: $(O)/tests/trajectory/%.o $(TSAN_OBJ) $(O)/libghgd.a
	echo "  LD $@"
	$(CC) $(BASE) -Wl,--wrap=forecast_make $(LDFLAGS) $^ $(LDLIBS) -o $@
$(O)/tests/integration/%: $(O)/tests/integration/%.o $(TSAN_OBJ) $(O)/libghgd.a
	echo "  LD $@"
	$(CC) $(BASE) $(LDFLAGS) $^ $(LDLIBS) -o $@
$(O)/tests/faults/%: $(O)/tests/faults/%.o $(TSAN_OBJ) $(O)/libghgd.a
	echo "  LD $@"
	$(CC) $(BASE) $(LDFLAGS) $^ $(LDLIBS) -o $@
$(FUZZERS): $(O)/%: $(O)/%.o $(O)/libghgd.a
	echo "  LD $@"
	$(CC) $(BASE) -fsanitize=fuzzer $(LDFLAGS) $^ $(LDLIBS) -o $@
# Patterns, because the linter needs the same flags as the compiler.
$(O)/pipelines/emissions/kernels_%: private BASE += -fno-math-errno
ifeq ($(MACHINE),x86_64)
$(O)/pipelines/emissions/kernels_avx2.%: private BASE += -mavx2
$(O)/pipelines/emissions/kernels_avx512.%: private BASE += -mavx512f -mavx512dq -mavx512vl
endif
$(O)/%.o: %.c $(O)/flags
	mkdir -p $(@D); echo "  CC $@"
	$(CC) $(BASE) $(CFLAGS) $(PKG_CFLAGS) -MMD -MP -c $< -o $@
$(O)/%.o: %.cc $(O)/flags
	mkdir -p $(@D); echo "  CXX $@"
	$(CXX) $(BASEXX) $(CFLAGS) -MMD -MP -c $< -o $@
# The first build looks for all libraries, so that a missing one has a name before a compiler stumbles.
# Objects that passed -Werror are good without it: make after make check builds nothing again.
$(O)/flags: FORCE
	for tool in $(firstword $(CC)) $(firstword $(CXX)) pkg-config; do command -v $$tool >/dev/null || \
	    { echo "There is no $$tool: run make deps."; exit 1; }; done
	[ -e $@ ] || pkg-config --print-errors --exists $(PKGS) || { echo "Run make deps."; exit 1; }
	[ -e $@ ] || for header in csv.h msgpack.h simdjson.h; do \
	    printf '#if !__has_include(<%s>)\n#error\n#endif\n' $$header | $(CC) -E -x c - >/dev/null 2>&1 || \
	    { echo "There is no $$header: run make deps."; exit 1; }; done
	mkdir -p $(@D); echo '$(CC) $(BASE) $(BASEXX) $(CFLAGS)' >$@.new; \
	    { cmp -s $@.new $@ || { [ -z "$(CI)" ] && sed 's/-Werror//g' $@ 2>/dev/null | cmp -s - $@.new; }; } \
	    && rm $@.new || mv $@.new $@
-include $(patsubst %.c,$(O)/%.d,$(SRC) $(TEST_SRC) $(TEST_HELP) $(FUZZ_SRC) $(BENCH_SRC) $(BENCH_HELP) \
                           $(wildcard tests/integration/*.c tests/faults/*.c tests/metering/*.c tests/trajectory/*.c)) \
         $(patsubst %.cc,$(O)/%.d,$(SRCXX))

# ---- what must be installed; make is started again after it, to look for the libraries again
JOBS = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
deps: ## install what building needs, and is missing, with apt-get
	sh tools/deps.sh build
deps-check: ## install what every check needs, and is missing, with apt-get
	sh tools/deps.sh build check
demo: deps ## build, then watch a small group of factories until Ctrl-C, or for FOR=20s
	+$(MAKE) --no-print-directory $(JOBS) $(BUILD)/ghgd
	$(BUILD)/ghgd demo $(if $(FOR),--for $(FOR))

# ---- the suites; -Werror in each
SUITE = +$(MAKE) --no-print-directory $(JOBS) CI=1
check: deps-check ## unit tests, layers, and the daemon against real servers; installs what it needs
	$(SUITE) test
	$(SUITE) layers check-registers check-course
	$(SUITE) check-integration
check-unit: ## unit tests
	$(SUITE) test
check-registers: $(O)/tests/metering/register_judge $(O)/tests/metering/history_cut ## registers and stocks against the oracles of docs/metering.md, histories with a restart at any event, from SEED
	$(PYTHON) tests/metering/test_registers.py $< $(SEED)
	$(PYTHON) tests/metering/test_floor.py $< $(SEED)
	$(PYTHON) tests/metering/test_stocks.py $(word 2,$^) $(SEED)
	$(PYTHON) tests/metering/test_cuts.py $(word 2,$^) $(SEED)
check-public: $(O)/tests/metering/register_judge $(BUILD)/public/fetched ## registers that count real consumption, with glitches, from SEED; build/public/ may hold further series
	$(PYTHON) tests/metering/test_public.py $< $(BUILD)/public $(SEED)
$(BUILD)/public/fetched: # a month of hourly load is in the Debian package; it is not installed
	rm -rf $(@D)/gretl-data; mkdir -p $(@D)/gretl-data
	cd $(@D)/gretl-data && apt-get -q download gretl-data && dpkg -x gretl-data_*.deb . && rm gretl-data_*.deb
	touch $@
check-course: $(O)/tests/trajectory/course_judge ## budgets, slips and levels against the oracle of docs/trajectory.md, from SEED
	$(PYTHON) tests/trajectory/test_course.py $< $(SEED)
check-integration: $(O)/ghgd $(O)/tests/integration/sink_writer $(O)/tests/integration/checkpoint_store $(BUILD)/kafka/fetched ## the daemon and real servers; MATCH=name picks tests
	GHGD=$(abspath $<) SINK_WRITER=$(abspath $(word 2,$^)) CHECKPOINT_STORE=$(abspath $(word 3,$^)) BUILD=$(abspath $(BUILD)) \
	    $(PYTHON) tests/integration/run.py $(MATCH)
check-year: $(O)/ghgd $(BUILD)/kafka/fetched ## twenty factories and a year, replayed and through a broker, against the truth, from SEED; 3 minutes
	GHGD=$(abspath $<) BUILD=$(abspath $(BUILD)) SEED=$(SEED) GHGD_YEAR=1 \
	    $(PYTHON) tests/integration/run.py TwentyFactories
$(BUILD)/kafka/fetched: tests/integration/kafka/pom.xml
	rm -rf $(@D); echo "  fetching Apache Kafka from Maven Central"
	for pause in 5 30 90 0; do \
	    mvn -q -B -U -Dstyle.color=never -f $< \
	        org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies \
	        -DoutputDirectory=$(abspath $(@D)) && break; \
	    [ $$pause != 0 ] || exit 1; echo "  again in $$pause s"; sleep $$pause; done
	touch $@
faults: deps-check ## FAULTS (20) faults against daemon, Kafka and InfluxDB, from SEED (1); MATCH=kind, ONLY=run pick
	$(SUITE) faults-run
faults-run: $(O)/ghgd $(O)/tests/faults/produce $(BUILD)/kafka/fetched
	GHGD=$(abspath $<) PRODUCE=$(abspath $(word 2,$^)) BUILD=$(abspath $(BUILD)) \
	    $(PYTHON) tests/faults/run.py --faults $(FAULTS) --seed $(SEED) --only $(ONLY) --match "$(MATCH)"
check-clang: ## unit tests, built with clang
	$(SUITE) CC=clang test
check-asan: ## all tests under the address and undefined behaviour sanitizers
	$(SUITE) SAN=address,undefined test
	$(SUITE) SAN=address,undefined check-integration
check-tsan: ## all tests under the thread sanitizer
	$(SUITE) SAN=thread test
	$(SUITE) SAN=thread check-integration
check-valgrind: ## unit tests under valgrind
	$(SUITE) RUN='valgrind -q --error-exitcode=99 --leak-check=full --trace-children=yes' test
# Tiers that this machine has, as /proc/cpuinfo and kernels.c tell them.
TIERS := scalar $(if $(filter aarch64,$(MACHINE)),neon) $(shell sed -n '/^flags/{s/.* \(avx2\) .*/\1/p;q}' /proc/cpuinfo) \
         $(shell sed -n '/^flags/{/avx512dq/s/.*/avx512/p;q}' /proc/cpuinfo)
check-tiers: deps-check ## unit tests once per SIMD tier, NEON under qemu, and replays against the model in every tier
	$(SUITE) check-tiers-run check-neon
	$(SUITE) MATCH=test_replay check-integration
check-tiers-run: $(TESTS)
	set -e; for tier in $(TIERS); do \
	    echo "== $$tier"; GHGD_SIMD=$$tier $(PYTHON) tests/unit/run.py --times $(O)/tests/unit/seconds.json $^; done
NEON_SRC := tests/neon/check_neon.c tests/unit/emissions/kernel_trials.c $(wildcard pipelines/emissions/kernels*.c)
check-neon: $(NEON_SRC) # where there is a cross compiler and qemu
	if command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null; then \
	    mkdir -p $(BUILD)/neon && aarch64-linux-gnu-gcc -std=gnu17 -O2 -ffp-contract=off -fno-math-errno -static \
	        $(WARN) -Werror $(DEFS) -I. $(NEON_SRC) -lm -o $(BUILD)/neon/check_neon && \
	    qemu-aarch64 $(BUILD)/neon/check_neon; \
	else echo "neon: skipped; it needs gcc-aarch64-linux-gnu and qemu-user"; fi
test: $(TESTS) | $(BENCHES) ## build and run every unit test (SAN=address,undefined or SAN=thread); build the benchmarks
	RUN="$(RUN)" $(PYTHON) tests/unit/run.py --times $(O)/tests/unit/seconds.json $^
layers: $(LIB_OBJ) $(O)/daemon/main.o ## fail on an include that points the wrong way, a ring of calls, two structs of one name, a lonely function
	$(PYTHON) tests/layers/test_layers.py
	$(PYTHON) tests/layers/layers.py . $(O)
model: deps-check ## search the model of checkpoints, rebalances and zombies (docs/model)
	$(PYTHON) docs/model/check.py --build $(BUILD)/model
check-grafana: ## dashboards and alert rules against the types that Grafana publishes (needs npm and its registry)
	mkdir -p $(BUILD)/grafana; cp tests/grafana/package.json tests/grafana/check.mjs $(BUILD)/grafana
	cd $(BUILD)/grafana; npm install --silent --no-audit --no-fund --no-package-lock \
	    && node check.mjs $(abspath $(wildcard dashboards/*/*.json dashboards/provisioning/alerting/*.yaml))
dashboards: ## write the dashboards again from their description, dashboards/source
	$(PYTHON) dashboards/generate.py

# ---- linting, with clang's eyes; -k, to show all faults at once
LINT_SRC  := $(SRC) $(TEST_SRC) $(TEST_HELP) $(FUZZ_SRC) $(BENCH_SRC) $(BENCH_HELP) \
             $(wildcard tests/integration/*.c tests/faults/*.c tests/metering/*.c tests/trajectory/*.c)
LINT_TEXT := $(LINT_SRC) $(HEADERS) $(SRCXX) $(call files,tests bench,*.h)
lint: ## clang-format, clang-tidy, cppcheck, headers alone, man page, unit, lengths, words
	$(SUITE) -k CC=clang lint-format lint-length lint-words lint-dashboards lint-cppcheck lint-man lint-unit lint-tidy lint-headers
lint-format:
	clang-format --dry-run -Werror $(LINT_TEXT)
lint-length: # a file over 600 lines holds a noun too many
	awk 'FNR == 601 {print FILENAME ": more than 600 lines"; bad = 1} END {exit bad}' $(LINT_TEXT)
lint-words: # sentences of comments and documents, and the names of files in them
	$(PYTHON) tests/words/test_words.py
	$(PYTHON) tests/words/words.py .
lint-cppcheck:
	cppcheck -q --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	    -j2 -I. $(DEFS) $(LINT_SRC)
lint-dashboards: # they are what their description says; rules of Prometheus fire when they should
	$(PYTHON) dashboards/generate.py --check
	promtool test rules tests/prometheus/*.yml >$(BUILD)/lint-rules || { cat $(BUILD)/lint-rules; exit 1; }
lint-man:
	mandoc -Tlint -Wwarning docs/*.1
lint-unit: # an exposure of 1.5 at most, and every setting known; the programs need not be there
	mkdir -p $(O)
	cmp systemd/ghgd.service systemd/ghgd@.service # one text under two names
	set -e; for unit in ghgd.service ghgd@.service; do \
	    systemd-analyze security --no-pager --offline=true --threshold=15 systemd/$$unit >$(BUILD)/lint-unit \
	        || { cat $(BUILD)/lint-unit; exit 1; }; \
	    sed 's,^\(Exec[A-Za-z]*=\)[^ ]*,\1/bin/true,' systemd/$$unit >$(O)/$$unit; \
	    systemd-analyze verify --man=no $(O)/$$unit; \
	done
lint-tidy: $(LINT_SRC:%.c=$(O)/%.tidy)
$(O)/%.tidy: %.c $(HEADERS) .clang-tidy $(O)/flags
	mkdir -p $(@D); echo "  TIDY $<"
	clang-tidy --quiet $< -- $(BASE) $(PKG_CFLAGS) 2>/dev/null
	touch $@
lint-headers: $(HEADERS:%=$(O)/%.alone) # each header includes what it needs
$(O)/%.h.alone: %.h $(HEADERS) $(O)/flags
	mkdir -p $(@D); echo '#include "$<"' | $(CC) $(BASE) $(PKG_CFLAGS) -fsyntax-only -x c -
	touch $@

# ---- fuzzing and measuring
fuzz: ## run each fuzz target for FUZZ_SECONDS (60) from its corpus
	$(SUITE) CC=clang SAN=fuzzer-no-link,address,undefined $(patsubst tests/fuzz/%.c,run-%,$(FUZZ_SRC))
run-fuzz_%: $(O)/tests/fuzz/fuzz_%
	mkdir -p $(BUILD)/fuzz/$*
	$< -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 -verbosity=0 \
	    -artifact_prefix=$(BUILD)/fuzz/$*- $(addprefix -dict=,$(wildcard tests/fuzz/$*.dict)) \
	    $(BUILD)/fuzz/$* $(wildcard tests/fuzz/corpus/$*) >$(BUILD)/fuzz/$*.log 2>&1 \
	    || { tail -n 60 $(BUILD)/fuzz/$*.log; echo "FAILED: fuzz $*"; exit 1; }
	awk -v name=$* '/executed_units/ {print "fuzz " name ": " $$2 " runs, no finding"}' $(BUILD)/fuzz/$*.log
bench: $(BENCHES) ## build and run the benchmarks; those of the whole daemon where there are servers
	set -e; for b in $^; do echo "== $$b"; $$b; done
	+if command -v java >/dev/null && command -v influxd >/dev/null; then \
	    echo "== bench/checkpoints.py"; $(MAKE) --no-print-directory bench-checkpoints; \
	else echo "bench-checkpoints needs Kafka and InfluxDB: make deps-check"; fi
bench-against: $(O)/bench/bench_rows ## making rows here against revision REV (HEAD~1), in turn, TURNS (5) times
	env -u MAKEFLAGS -u MAKELEVEL $(PYTHON) bench/against.py $(REV) --program $< --folder $(BUILD)/against \
	    --compiler $(CC) --turns $(TURNS)
bench-checkpoints: $(O)/ghgd $(O)/tests/faults/produce $(BUILD)/kafka/fetched ## restarts and the cost of checkpoints, beside a real broker
	GHGD=$(abspath $<) PRODUCE=$(abspath $(word 2,$^)) BUILD=$(abspath $(BUILD)) \
	    $(PYTHON) bench/checkpoints.py

mutants: ## small faults, each made in a copy of the tree: a test has to fail; MATCH=text picks some
	env -u MAKEFLAGS -u MAKELEVEL $(PYTHON) tests/mutants/run.py --folder $(BUILD)/mutants \
	    --compiler $(CC) --match "$(MATCH)"
coverage: ## lines that the unit tests reach, by file
	$(SUITE) COVERAGE=1 coverage-run
coverage-run: test
	gcov -n -s . -r $(LIB_OBJ:.o=.gcda) 2>/dev/null | \
	    awk -F "[':%]" '/^File/ {file = $$2} /^Lines/ && file {printf "%6.1f%% %s\n", $$2, file; file = ""}' | \
	    grep -v '\.h$$' | sort -k2

# ---- installing; the installed daemon looks for the catalogue where it is installed
SHARE   := $(PREFIX)/share/ghgd
CATALOGUE_USERS := $(shell grep -l GHGD_CATALOGUE_DIR $(SRC) /dev/null)
$(O)/installed/%: private CATALOGUE_DIR = $(SHARE)/factors
$(O)/installed/flags: FORCE
	mkdir -p $(@D); echo '$(CATALOGUE_DIR)' | cmp -s - $@ || echo '$(CATALOGUE_DIR)' >$@
$(O)/installed/%.o: %.c $(O)/installed/flags $(O)/flags
	mkdir -p $(@D); $(CC) $(BASE) $(CFLAGS) $(PKG_CFLAGS) -c $< -o $@
$(O)/installed/ghgd: $(O)/daemon/main.o $(CATALOGUE_USERS:%.c=$(O)/installed/%.o) $(O)/libghgd.a
	echo "  LD $@"
	$(CC) $(BASE) $(LDFLAGS) $^ $(LDLIBS) -o $@
install: $(O)/installed/ghgd ## install under DESTDIR/PREFIX (/usr/local)
	install -D -m 755 $< $(DESTDIR)$(PREFIX)/bin/ghgd
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 docs/ghgd.1
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	for unit in ghgd.service ghgd@.service; do \
	    sed 's,/usr/local/,$(PREFIX)/,' systemd/$$unit >$(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit || exit 1; \
	done
	for folder in config/factors config/holidays config/examples dashboards; do \
	    (cd $$folder && find . -type f ! -name '*.pyc' -exec install -D -m 644 {} $(abspath $(DESTDIR))$(SHARE)/$${folder#config/}/{} \;) || exit 1; \
	done
	sed -i 's,/usr/local/,$(PREFIX)/,' $(DESTDIR)$(SHARE)/dashboards/provisioning/dashboards/*.yaml
	echo "  installed $(DESTDIR)$(PREFIX)/bin/ghgd; an example to begin with is in $(DESTDIR)$(SHARE)/examples"
uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/ghgd $(DESTDIR)$(PREFIX)/share/man/man1/ghgd.1 \
	    $(DESTDIR)$(PREFIX)/lib/systemd/system/ghgd.service \
	    $(DESTDIR)$(PREFIX)/lib/systemd/system/ghgd@.service
	rm -rf $(DESTDIR)$(SHARE)

help: ## this list
	awk -F ':.*## ' '/^[^\t#]*:.*## / {sub(/^\$$\(BUILD\)/, "$(BUILD)", $$1); \
	    sub(/:.*/, "", $$1); printf "%-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
clean: ## remove everything that was built
	rm -rf $(BUILD)
.PHONY: all deps deps-check demo check check-unit check-registers check-public check-integration check-year check-clang check-asan check-tsan \
        check-valgrind check-tiers check-tiers-run check-neon faults faults-run test layers model check-grafana dashboards lint lint-dashboards lint-format lint-length lint-words lint-cppcheck lint-man \
        lint-unit lint-tidy lint-headers fuzz bench bench-against bench-checkpoints mutants coverage coverage-run install uninstall help clean \
        FORCE
