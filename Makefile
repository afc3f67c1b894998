# ghgd: one Makefile, no recursion. `make help` lists the targets.
CC     ?= gcc
ifeq ($(origin CC),default)
CC     := gcc
endif
CXX    := $(if $(findstring clang,$(CC)),clang++,g++)
comma  := ,
BUILD  ?= build
CFLAGS ?= -O2 -g
PKGS   := libuv rdkafka libcurl libmicrohttpd libfyaml glib-2.0 sqlite3 zlib libxxhash libsystemd
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LDLIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lmsgpackc -lcsv -lsimdjson -lstdc++ -lm -lpthread
WARN   := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wformat=2
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
BASE   := -std=gnu17 -D_GNU_SOURCE -I. -ffp-contract=off -fno-common $(WARN) $(if $(CI),-Werror) $(SANFLAGS)
BASEXX := -std=gnu++17 -D_GNU_SOURCE -I. -Wall -Wextra -fno-exceptions $(if $(CI),-Werror) $(SANFLAGS)
O      := $(BUILD)/$(notdir $(CC))$(if $(SAN),-$(subst $(comma),-,$(SAN)))

SRC    := $(wildcard base/*.c config/*.c pipelines/*/*.c daemon/*.c)
SRCXX  := $(wildcard pipelines/*/*.cc)
TEST_SRC := $(wildcard tests/unit/*/*.c)
LIB_OBJ := $(patsubst %.c,$(O)/%.o,$(filter-out daemon/main.c,$(SRC))) $(patsubst %.cc,$(O)/%.o,$(SRCXX))
TESTS  := $(patsubst %.c,$(O)/%,$(TEST_SRC))

$(BUILD)/ghgd: $(O)/ghgd ## build the daemon
	cp $< $@
all: $(BUILD)/ghgd
$(O)/ghgd: $(O)/daemon/main.o $(O)/libghgd.a
	$(CC) $(BASE) $(LDFLAGS) $^ $(LDLIBS) -o $@
$(O)/libghgd.a: $(LIB_OBJ)
	@rm -f $@; ar rcs $@ $^
test: $(TESTS) ## build and run every unit test (SAN=address,undefined or SAN=thread)
	@fail=0; for t in $^; do $$t || fail=1; done; exit $$fail
$(TESTS): $(O)/%: $(O)/%.o $(O)/libghgd.a
	$(CC) $(BASE) $(LDFLAGS) $^ -lcmocka $(LDLIBS) -o $@
$(O)/pipelines/emissions/kernels_avx2.o: private BASE += -mavx2
$(O)/pipelines/emissions/kernels_avx512.o: private BASE += -mavx512f -mavx512dq -mavx512vl
$(O)/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(CC) $(BASE) $(CFLAGS) $(PKG_CFLAGS) -MMD -MP -c $< -o $@
$(O)/%.o: %.cc $(O)/flags
	@mkdir -p $(@D)
	$(CXX) $(BASEXX) $(CFLAGS) -MMD -MP -c $< -o $@
$(O)/flags: FORCE
	@mkdir -p $(@D); echo '$(CC) $(BASE) $(CFLAGS)' | cmp -s - $@ || echo '$(CC) $(BASE) $(CFLAGS)' >$@
-include $(patsubst %.c,$(O)/%.d,$(SRC) $(TEST_SRC)) $(patsubst %.cc,$(O)/%.d,$(SRCXX))
.PHONY: all test FORCE
