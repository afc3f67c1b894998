#!/usr/bin/python3
"""Plants trees, good and bad, and looks at what layers.py says of them."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import layers  # noqa: E402

HEADERS = {
    "base/base.h": "",
    "config/registry/registry.h": "",
    "pipelines/kafka/consumer.h": "#include <uv.h>\n",
    "pipelines/ingest/batch.h": "",
    "pipelines/ingest/reader.h": "",
    "pipelines/emissions/kernels.h": "",
    "pipelines/delivery/takeover.h": "",
    "config/options/values.h": "",
    "config/config.h": "",
    "daemon/engine/process.h": "",
    "daemon/engine/rekey/rekey.h": "",
    "pipelines/rollup/row.h": "",
    "pipelines/sink/sink.h": "#include <uv.h>\n",
    "daemon/run.h": "",
}

GOOD = [
    ("everybody uses base", "pipelines/rollup/row.c", '#include "base/base.h"'),
    ("a later step uses an earlier one", "pipelines/sink/sink.c", '#include "pipelines/ingest/batch.h"'),
    ("a step reads the registry", "pipelines/metering/panel.c", '#include "config/registry/registry.h"'),
    ("the registry has options", "config/registry/a.c", '#include "config/options/values.h"'),
    ("a command uses the engine", "daemon/audit/a.c", '#include "daemon/engine/process.h"'),
    ("a command uses what commands share", "daemon/audit/a.c", '#include "daemon/run.h"'),
    ("the engine uses its own part", "daemon/engine/a.c", '#include "daemon/engine/rekey/rekey.h"'),
    ("the daemon uses all", "daemon/main.c", '#include "pipelines/sink/sink.h"\n#include <uv.h>'),
    ("a sink has the loop", "pipelines/sink/sink.c", "#include <uv.h>"),
    ("a member may be called time", "pipelines/metering/panel.c", "int64_t time_ms = event->time;"),
    ("a comment may speak of time()", "pipelines/metering/panel.c", "/* not time(), LOG_INFO */"),
    ("a string may hold anything", "pipelines/metering/panel.c", 'x = "time(NULL)";'),
    ("the sink logs", "pipelines/sink/sink.c", 'LOG_WARN("sink.down", "x=%d", 1);'),
    ("a kernel uses intrinsics", "pipelines/emissions/kernels_avx2.c",
     '#include "pipelines/emissions/kernels.h"\n#include <immintrin.h>'),
]

BAD = [
    ("an earlier step uses a later one", "pipelines/ingest/a.c", '#include "pipelines/rollup/row.h"',
     "pipelines/ingest may not include pipelines/rollup/row.h"),
    ("base uses config", "base/a.h", '#include "config/registry/registry.h"', "base may not include"),
    ("config uses a step", "config/config.c", '#include "pipelines/rollup/row.h"', "config may not"),
    ("options use the registry", "config/options/a.c", '#include "config/registry/registry.h"',
     "config/options may not include"),
    ("the registry uses a step", "config/registry/zones.c", '#include "pipelines/rollup/row.h"',
     "config/registry may not"),
    ("Kafka knows what is in its messages", "pipelines/kafka/a.c", '#include "pipelines/ingest/reader.h"',
     "pipelines/kafka may not include"),
    ("the engine uses a command's folder", "daemon/engine/a.c", '#include "daemon/run.h"',
     "daemon/engine may not include daemon/run.h"),
    ("a step uses the daemon", "pipelines/sink/a.c", '#include "daemon/run.h"', "may not include daemon"),
    ("a step uses a test", "pipelines/sink/a.c", '#include "tests/unit/x.h"', "does not use tests/"),
    ("a path that is not from the root", "pipelines/rollup/row.c", '#include "row.h"', "from its root"),
    ("a path upwards", "pipelines/rollup/row.c", '#include "../../base/base.h"', "from its root"),
    ("a pure step has the loop", "pipelines/metering/a.c", "#include <uv.h>", "reaches uv.h"),
    ("a pure step has Kafka", "pipelines/rollup/a.h", "#  include <librdkafka/rdkafka.h>",
     "reaches librdkafka/rdkafka.h"),
    ("a pure step has the loop through another header", "pipelines/metering/a.c",
     '#include "pipelines/kafka/consumer.h"', "reaches pipelines/kafka/consumer.h -> uv.h"),
    ("config has the loop", "config/config.c", "#include <uv.h>", "reaches uv.h"),
    ("a pure step reads the clock", "pipelines/emissions/a.c", "\nint64_t now = time(NULL);",
     "a.c:2: pipelines/emissions reads no clock, does no I/O, logs nothing: time"),
    ("a pure step reads a better clock", "pipelines/trajectory/a.c", "clock_gettime(0, &ts);", "clock"),
    ("a pure step reads our clock", "pipelines/metering/a.c", "x = clock_wall_ms();", "clock_wall_ms"),
    ("a pure step logs", "pipelines/rollup/a.c", 'LOG_INFO("x", "y");', "LOG_INFO"),
    ("a pure step prints", "pipelines/metering/a.c", 'printf("x");', "printf"),
    ("a kernel knows the house", "pipelines/emissions/kernels_avx2.c", '#include "base/base.h"',
     "intrinsics only"),
    ("a folder that is no step", "pipelines/utils/a.c", "", "pipelines/utils is no room"),
    ("a folder below a room", "pipelines/sink/deep/a.c", "", "pipelines/sink/deep is no room"),
]


class Layers(unittest.TestCase):
    def faults_of(self, path, text):
        with tempfile.TemporaryDirectory() as root:
            for name, content in {**HEADERS, path: text}.items():
                file = Path(root, name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(content)
            return layers.faults(root)

    def test_good(self):
        for name, path, text in GOOD:
            with self.subTest(name):
                self.assertEqual(self.faults_of(path, text), [])

    def test_bad(self):
        for name, path, text, want in BAD:
            with self.subTest(name):
                found = self.faults_of(path, text)
                self.assertEqual(len(found), 1, found)
                self.assertIn(want, found[0])

    def test_names(self):
        for name, text, want in [
            ("another struct", "struct other {\n};", []),
            ("a mention", "struct point *p;", []),
            ("the same name", "struct point {\n};", ["struct point is another one at pipelines/rollup/a.c:1"]),
        ]:
            with self.subTest(name), tempfile.TemporaryDirectory() as root:
                for path, content in {"base/a.h": "struct point {\n};", "pipelines/rollup/a.c": text}.items():
                    Path(root, path).parent.mkdir(parents=True, exist_ok=True)
                    Path(root, path).write_text(content)
                found = layers.faults(root)
                self.assertEqual(len(found), len(want), found)
                self.assertTrue(all(w in f for w, f in zip(want, found)), found)
                gone = layers.faults(root, shared={"point", "line"})
                self.assertEqual(len(gone), 1 if want else 2, gone)
                self.assertIn("only one struct is called line", gone[0])


RINGS_OF_CALLS = [
    ("one way", {"a": {"b"}, "b": {"c"}, "c": set()}, []),
    ("itself", {"a": {"a"}, "b": set(), "c": set()}, []),
    ("two", {"a": {"b"}, "b": {"a"}, "c": {"a"}}, [{"a", "b"}]),
    ("three", {"a": {"b"}, "b": {"c"}, "c": {"a"}}, [{"a", "b", "c"}]),
]


class Calls(unittest.TestCase):
    """Compiles files that call each other as told."""

    def symbols_of(self, uses):
        with tempfile.TemporaryDirectory() as root:
            for name, used in uses.items():
                source = Path(root, "pipelines/rollup", name + ".c")
                source.parent.mkdir(parents=True, exist_ok=True)
                source.write_text(
                    "".join(f"void {other}(void);\n" for other in uses)
                    + f"static void local(void) {{}}\nvoid {name}(void) {{ local(); "
                    + "".join(f"{other}(); " for other in sorted(used)) + "}\n")
                subprocess.run(["cc", "-O0", "-c", source, "-o", source.with_suffix(".o")], check=True)
            return layers.symbols_of(root, [f"pipelines/rollup/{name}.c" for name in uses])

    def test_rings(self):
        for name, uses, want in RINGS_OF_CALLS:
            with self.subTest(name):
                calls = layers.calls_of(self.symbols_of(uses))
                rings = [{"pipelines/rollup/" + file for file in ring} for ring in want]
                self.assertEqual([set(ring) for ring in layers.rings_of(calls)], rings)
                self.assertEqual(len([*layers.ring_faults(calls, [])]), len(rings))
                self.assertEqual([*layers.ring_faults(calls, rings)], [])

    def test_a_known_ring_that_is_gone(self):
        calls = layers.calls_of(self.symbols_of({"a": {"b"}, "b": {"a"}, "c": set()}))
        known = [{"pipelines/rollup/a", "pipelines/rollup/b", "pipelines/rollup/c"}]
        found = [*layers.ring_faults(calls, known)]
        self.assertEqual(len(found), 2, found)
        self.assertIn("pipelines/rollup/a calls b of pipelines/rollup/b", found[0])
        self.assertIn("no ring any more", found[1])

    def test_a_function_that_only_its_own_file_calls(self):
        symbols = self.symbols_of({"main": {"a"}, "a": {"b"}, "b": set(), "c": {"c"}})
        self.assertEqual([*layers.lonely_faults(symbols, {"c"})], [])
        self.assertEqual([*layers.lonely_faults(symbols, set())],
                         ["pipelines/rollup/c.c:1: no other file uses c: make it static"])

    def test_the_words_of_tests(self):
        with tempfile.TemporaryDirectory() as root:
            file = Path(root, "tests/unit/test_a.c")
            file.parent.mkdir(parents=True)
            file.write_text("void test_a(void) { assert_true(a_is(1)); }")
            self.assertIn("a_is", layers.words_of_tests(root))
            self.assertNotIn("a", layers.words_of_tests(root))


if __name__ == "__main__":
    unittest.main()
