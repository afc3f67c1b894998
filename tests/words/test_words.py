#!/usr/bin/python3
"""Tests of words.py: each construction finds its bad sentence and no good one, in every kind of file."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import words  # noqa: E402

ROWS = words.load_constructions()


def found(path, source):
    """(line, what was found) in a file of this name."""
    return [
        (line, text)
        for block in words.blocks_of(path, source)
        for line, text, _, _ in words.check_block(block, ROWS)
    ]


def texts(path, source):
    return [block.text for block in words.blocks_of(path, source)]


class Constructions(unittest.TestCase):
    def test_each_finds_its_bad_sentence(self):
        for pattern, _, _, bad, _ in ROWS:
            block = words.Block()
            block.add(1, bad)
            hits = [s for _, s in words.sentences(block) if pattern.search(s)]
            self.assertTrue(hits, f"{pattern.pattern} does not find: {bad}")

    def test_none_finds_a_good_sentence(self):
        for pattern, _, _, _, good in ROWS:
            block = words.Block()
            block.add(1, good)
            for _, sentence in words.sentences(block):
                self.assertIsNone(pattern.search(sentence), f"{pattern.pattern} finds: {sentence}")

    def test_each_says_what_to_write(self):
        for pattern, instead, rule, _, _ in ROWS:
            self.assertTrue(instead and rule.startswith("R"), pattern.pattern)


class Files(unittest.TestCase):
    def test_comment_over_two_lines(self):
        self.assertEqual(found("a.c", "int a;\n/* One line, of\n * which nothing is left. */\n"), [(2, "of which")])

    def test_line_comments_are_one_text(self):
        self.assertEqual(found("a.cc", "// Rows wait.\n// Nobody\n// waits.\nint a;\n// anew\n"), [(2, "Nobody"), (5, "anew")])

    def test_strings_are_no_comments(self):
        self.assertEqual(found("a.c", 'char *a = "/* nobody */ // anew";\nint b = \'"\'; /* hence */\n'), [(2, "hence")])

    def test_messages_of_the_daemon(self):
        source = 'f("of which %" PRIu64\n  " are made anew", "nobody", "%s");\nchar b = \'"\';\n/* "a b c d of which" */\n'
        self.assertEqual(found("daemon/a.c", source), [(4, "of which"), (1, "of which"), (1, "anew")])
        self.assertEqual(found("tests/unit/a.c", source), [(4, "of which")])

    def test_python(self):
        self.assertEqual(
            found("a.py", '"""Nobody\n\nhence"""\na = "anew"  # whoever\n'),
            [(4, "whoever"), (1, "Nobody"), (3, "hence")],
        )

    def test_makefile(self):
        source = "# hence\nall: x ## made anew\n\techo 'nobody'\n"
        self.assertEqual(found("Makefile", source), [(1, "hence"), (2, "anew")])

    def test_markdown(self):
        source = "# What is here\n\nText of ours.\n\n    nobody\n\n```\nanew\n```\n- an item\n  hence\n\n| a | likewise |\n|---|---|\n"
        self.assertEqual(found("a.md", source), [(3, "of ours"), (11, "hence"), (13, "likewise")])

    def test_code_in_a_sentence_is_not_read(self):
        self.assertEqual(found("a.md", "The option `anew` and `of which` are names.\n"), [])

    def test_man_page(self):
        source = ".Dd nobody\n.Sh DESCRIPTION\nIt reads\n.Cm anew ,\nhence\n.Pp\nOf\n.Fl c\nit reads.\n"
        self.assertEqual(found("a.1", source), [(5, "hence"), (7, "Of")])

    def test_bullets_begin_sentences(self):
        self.assertEqual(found("a.h", "/*\n * - Of two rows, one.\n * - What is late?\n */\n"), [(2, "Of")])


class Lengths(unittest.TestCase):
    def lengths(self, path, source):
        return [n for block in words.blocks_of(path, source) for n in words.lengths_of(block)]

    def test_words_are_counted(self):
        self.assertEqual(self.lengths("a.md", "One two `three three` four. Five six seven\neight nine.\n"), [4, 5])

    def test_abbreviations_and_names_do_not_end_one(self):
        self.assertEqual(self.lengths("a.md", "A name such as a.b.c, at 1.5, is one word.\n"), [9])

    def test_drawings_do_not_count(self):
        self.assertEqual(self.lengths("a.h", "/*\n * Four words are here.\n *\n *     a drawing of some words\n */\n"), [4])
        self.assertEqual(self.lengths("a.h", "int a; /* three words and\n          four more */\n"), [5])

    def test_headings_and_short_cells_do_not_count(self):
        self.assertEqual(self.lengths("a.md", "# A heading of five words\n\n| a cell | a cell with four |\n"), [4])


class Names(unittest.TestCase):
    TRACKED = {"base/log.c", "docs/state.md", "daemon/audit/archive_http.c", "docs/model/check.py"}

    def missing(self, text, path="docs/a.md"):
        block = words.Block()
        block.add(7, text)
        return list(words.missing_files(path, block, self.TRACKED))

    def test_names_that_are_there(self):
        for text in ("`base/log.c`", "log.c", "[a](state.md#part)", "audit/archive_*.c", "model/check.py", "<uv.h>", "../base/log.c", "test_NAME.c", "http://a/b.c"):
            self.assertEqual(self.missing(text), [], text)

    def test_names_that_are_not(self):
        for text, name in (("`base/gone.c`", "base/gone.c"), ("see gone.h.", "gone.h"), ("daemon/archive_*.c", "daemon/archive_*.c"), ("../log.c", "../log.c")):
            self.assertEqual(self.missing(text), [(7, name)], text)


class Functions(unittest.TestCase):
    def test_only_names_that_are_called(self):
        block = words.Block()
        block.add(3, "See `log_line()`, `gone()` and `a.b()`.")
        self.assertEqual(list(words.missing_functions(block, {"log_line"})), [(3, "gone()")])

    def test_only_functions_that_are_where_a_document_says(self):
        with tempfile.TemporaryDirectory() as root:
            (Path(root) / "a.c").write_text("static int here(int a)\n{\n    return there(a);\n}\n")
            block = words.Block()
            block.add(3, "`here()` in `a.c` calls `there()` in `a.c`, and `far()` in `b.c` is no file.")
            self.assertEqual(list(words.strayed_functions(root, block, {"a.c"})), [(3, "there()", "a.c")])


class WholeRun(unittest.TestCase):
    def run_on(self, source, *args, history=True):
        with tempfile.TemporaryDirectory() as root:
            (Path(root) / "a.c").write_text(source)
            if history:
                subprocess.run(["git", "init", "-q", root], check=True)
                subprocess.run(["git", "-C", root, "add", "."], check=True)
            else:
                (Path(root) / "build").mkdir()
                (Path(root) / "build/made.c").write_text("/* Nobody reads it. */")
            return subprocess.run(
                [sys.executable, words.__file__, root, *args], capture_output=True, text=True, check=False
            )

    def test_a_fault_fails_and_is_named(self):
        run = self.run_on("\n/* Nobody waits for it. */\n")
        self.assertEqual(run.returncode, 1)
        self.assertIn('a.c:2: "Nobody": name the actor (R2)', run.stdout)
        self.assertIn("sentences: 1, median 4 words, p90 4, max 4; 1 faults", run.stdout)

    def test_a_copy_without_history(self):
        run = self.run_on("/* Nobody waits for it. */\n", history=False)
        self.assertEqual((run.returncode, "1 faults" in run.stdout, "made.c" in run.stdout), (1, True, False))

    def test_a_long_sentence_does_not_fail(self):
        run = self.run_on("/* " + "word " * 60 + ". */\n")
        self.assertEqual((run.returncode, "max 60" in run.stdout), (0, True))

    def test_a_missing_file_fails(self):
        self.assertEqual(self.run_on("/* See gone.c. */\n").returncode, 1)


if __name__ == "__main__":
    unittest.main()
