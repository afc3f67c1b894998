"""The runner itself: whatever becomes of a test, or of its process, is told."""
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import run
import workers


def outcome_of(*cases, count=2):
    """The results of the tests of these classes, each class a group: an Outcome, with lines."""
    load = unittest.defaultTestLoader.loadTestsFromTestCase
    groups = [list(load(case)) for case in cases]
    lonely = {n for n, case in enumerate(cases) if getattr(case, "alone", False)}
    lines = []
    outcome = workers.Pool(count, groups, lonely, lines.append).run()
    outcome.lines = lines
    return outcome


class Pool(unittest.TestCase):
    def test_verdicts(self):
        class Mixed(unittest.TestCase):
            def test_good(self):
                pass

            def test_bad(self):
                self.fail("not\nequal")

            def test_broken(self):
                raise OSError("gone")

            def test_parts(self):
                for part in range(3):
                    with self.subTest(part=part):
                        self.assertEqual(part, 1)

            @unittest.skip("not here")
            def test_elsewhere(self):
                pass

        got = outcome_of(Mixed)
        self.assertEqual((got.passed, got.failed), (1, 4))
        self.assertRegex(got.skipped[0], r"test_elsewhere: not here$")
        told = sorted(line.split(" ... ")[0].split(".")[-1] + " " + line.split()[2] for line in got.lines)
        self.assertEqual(told, ["test_bad FAIL", "test_broken ERROR", "test_elsewhere skipped",
                                "test_good ok", "test_parts FAIL"])
        notes = sorted(note.splitlines()[0].split(".")[-1] + note.splitlines()[1] for note in got.notes)
        self.assertEqual(notes, ["test_bad  | AssertionError: not", "test_broken  | OSError: gone",
                                 "test_parts (part=0)  | AssertionError: 0 != 1",
                                 "test_parts (part=2)  | AssertionError: 2 != 1"])
        self.assertEqual(len(got.traces), 4)

    def test_a_class_that_does_not_begin(self):
        class Begun(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                raise OSError("no broker")

            def test_never(self):
                pass

        got = outcome_of(Begun)
        self.assertEqual((got.passed, got.failed), (0, 1))
        self.assertIn("no broker", got.notes[0])

    def test_a_process_that_ends(self):
        class Killed(unittest.TestCase):
            def test_killed(self):
                os.kill(os.getpid(), signal.SIGKILL)

        class Later(unittest.TestCase):
            def test_good(self):
                pass

        got = outcome_of(Killed, Later, count=1)
        self.assertEqual((got.passed, got.failed), (1, 1))
        self.assertRegex(got.notes[0], r"FAILED .*test_killed\n.*status -9")

    def test_lonely_tests_run_one_by_one_after_the_others(self):
        with tempfile.TemporaryDirectory() as folder:
            def note(name):
                Path(folder, "began").open("a").write(f"{name}\n")
                time.sleep(0.3)
                Path(folder, "began").open("a").write(f"{name}\n")

            class First(unittest.TestCase):
                alone = True

                def test(self):
                    note("first")

            class Second(unittest.TestCase):
                alone = True

                def test(self):
                    note("second")

            class Together(unittest.TestCase):
                def test(self):
                    note("together")

            self.assertEqual(outcome_of(First, Second, Together, count=3).passed, 3)
            began = Path(folder, "began").read_text().split()
        self.assertEqual(began, ["together"] * 2 + ["first"] * 2 + ["second"] * 2)


class Groups(unittest.TestCase):
    def test_a_class_with_a_beginning_stays_together(self):
        class Apart(unittest.TestCase):
            def test_one(self):
                pass

            def test_two(self):
                pass

        class Together(Apart):
            @classmethod
            def setUpClass(cls):
                pass

        tests = [case(name) for case in (Apart, Together) for name in ("test_one", "test_two")]
        self.assertEqual([len(group) for group in run.grouped(tests)], [1, 1, 2])


class Unit(unittest.TestCase):
    """tests/unit/run.py, which runs the unit programs."""

    def run_programs(self, *programs, prefix=""):
        runner = Path(__file__).resolve().parents[1] / "unit/run.py"
        return subprocess.run([sys.executable, runner, *programs], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60, env={**os.environ, "RUN": prefix})

    def test_all_run_and_those_that_failed_are_named_last(self):
        got = self.run_programs("/bin/true", "/bin/false", "/bin/pwd")
        self.assertEqual(got.returncode, 1)
        self.assertEqual(got.stdout.splitlines(), [os.getcwd(), "FAILED: /bin/false"])

    def test_a_prefix_runs_each(self):
        got = self.run_programs("/bin/true", "/bin/false", prefix="echo ran")
        self.assertEqual((got.returncode, sorted(got.stdout.splitlines())), (0, ["ran /bin/false", "ran /bin/true"]))

    def test_a_program_that_is_killed_has_failed(self):
        got = self.run_programs("/bin/true", prefix="sh -c 'kill -9 $$'")
        self.assertEqual((got.returncode, got.stdout), (1, "FAILED: /bin/true\n"))


if __name__ == "__main__":
    unittest.main()
