#!/bin/sh
# deps.sh - installs the Debian packages that ghgd needs and this system lacks, and says why.
#
#   deps.sh build          what compiling and running takes
#   deps.sh build check    and what `make check` and the other suites take
#
# Does nothing, and needs no network, if all is there. Services that come with a package (the
# databases the tests use) are neither started nor enabled: the tests start their own.
set -eu

# set | package | service it brings | why
table() {
    cat <<'TABLE'
build | gcc                     |                  | compiles the daemon
build | g++                     |                  | compiles the JSON reader, which stands on a C++ library
build | make                    |                  | runs the Makefile
build | pkg-config              |                  | finds the libraries
build | libuv1-dev              |                  | the event loop
build | librdkafka-dev          |                  | Kafka consumer and producer; the demo's mock cluster
build | libsimdjson-dev         |                  | decodes JSON events
build | libmsgpack-dev          |                  | MessagePack: the demo writes it, dead letters are shown; checks our own reader
build | libcurl4-openssl-dev    |                  | writes to databases over HTTP
build | libssl-dev              |                  | signs requests to webhooks
build | libmicrohttpd-dev       |                  | serves /metrics and /healthz
build | libfyaml-dev            |                  | reads the configuration, with places for faults
build | libcsv-dev              |                  | reads the tables of meters, facilities and factors
build | libglib2.0-dev          |                  | time zones
build | libgmp-dev              |                  | exact fractions of units and factors
build | libsqlite3-dev          |                  | the embedded database
build | zlib1g-dev              |                  | compresses requests
build | libxxhash-dev           |                  | hashes of keys and checksums
build | libsystemd-dev          |                  | readiness, watchdog, journal
build | tzdata                  |                  | the time zones of the facilities
build | ca-certificates         |                  | trusts the servers of databases and of Maven Central
check | libcmocka-dev           |                  | unit tests
check | python3                 |                  | integration tests, layers
check | python3-msgpack         |                  | integration tests: events in MessagePack
check | python3-jsonschema      |                  | integration tests: the schema of events
check | python3-yaml            |                  | integration tests: alert rules of Grafana
check | kcat                    |                  | integration tests: a Kafka client that is not ours
check | openjdk-17-jre-headless |                  | integration tests: runs a real Kafka broker
check | maven                   |                  | integration tests: fetches that broker
check | influxdb                | influxdb         | integration tests: a real InfluxDB
check | influxdb-client         |                  | integration tests: looks into it by hand
check | victoria-metrics        | victoria-metrics | integration tests: a real VictoriaMetrics
check | prometheus              | prometheus       | promtool checks /metrics
check | prometheus-alertmanager | prometheus-alertmanager | integration tests: a real Alertmanager
check | sqlite3                 |                  | integration tests: reads what was written
check | iproute2                |                  | faults: network namespaces
check | gcc-aarch64-linux-gnu   |                  | check-tiers: kernels of 64-bit ARM
check | libc6-dev-arm64-cross   |                  | check-tiers: the same
check | qemu-user               |                  | check-tiers: runs them
check | valgrind                |                  | check-valgrind
check | spin                    |                  | model: searches it
check | clang                   |                  | check-clang, fuzz
check | libclang-rt-14-dev      |                  | fuzz: the sanitizers of clang
check | clang-format            |                  | lint
check | clang-tidy              |                  | lint
check | cppcheck                |                  | lint
check | mandoc                  |                  | lint: the man page
check | systemd                 |                  | lint: systemd-analyze judges the sandbox
TABLE
}

say() {
    printf '%s\n' "$*"
}

# column N of the rows whose set is among the arguments, or of the packages listed in $only
rows() {
    table | awk -F ' *[|] *' -v sets=" $* " 'index(sets, " " $1 " ")'
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
        -o Acquire::Retries=5 "$@"
}

# Debian's maintainer scripts ask this file whether they may start a service: 101 is no.
policy=/usr/sbin/policy-rc.d
guarded=no
guard_begin() {
    [ ! -e "$policy" ] || as_root mv "$policy" "$policy.before-ghgd"
    guarded=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
}
guard_end() {
    [ "$guarded" = yes ] || return 0
    guarded=no
    as_root rm -f "$policy"
    [ ! -e "$policy.before-ghgd" ] || as_root mv "$policy.before-ghgd" "$policy"
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "This is not a Debian system. ghgd needs what Debian calls:"
    rows "$@" | awk -F ' *[|] *' '{printf "  %-24s %s\n", $2, $4}'
    exit 0
fi

missing=
services=
report=$(rows "$@" | while IFS='| ' read -r _ package rest; do
    is_installed "$package" || say "$package"
done)
for package in $report; do
    missing="$missing $package"
done
[ -n "$missing" ] || exit 0

say "Installing with apt-get what is missing:"
rows "$@" | awk -F ' *[|] *' -v missing="$missing " \
    'index(missing, " " $2 " ") {printf "  %-24s %s\n", $2, $4}'
services=$(rows "$@" | awk -F ' *[|] *' -v missing="$missing " \
    'index(missing, " " $2 " ") && $3 != "" {print $3}')

if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    say "You are not root, and there is no sudo here. As root, run this; then go on as you are:" >&2
    say "  apt-get update && apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

trap guard_end EXIT
trap 'exit 1' INT TERM HUP
guard_begin
# The package lists may be absent or old: only then are they fetched.
# shellcheck disable=SC2086 # names without spaces
apt install --no-install-recommends $missing || {
    apt update
    apt install --no-install-recommends $missing
}
guard_end
for service in $services; do
    command -v systemctl >/dev/null || break
    as_root systemctl disable --quiet "$service" || say "could not disable $service" >&2
done
