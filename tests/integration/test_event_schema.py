"""docs/event.schema.json against the table that the decoders are tested with."""
import json
import unittest
from pathlib import Path

import jsonschema

ROOT = Path(__file__).resolve().parents[2]

# Rows that are refused for what a schema cannot say; docs/events.md says it.
BEYOND_A_SCHEMA = {
    "meter too long, escaped": "bytes, not characters",
    "no such day": "the calendar",
    "an integer without a unit": "the configuration",
    "milliseconds declared as seconds": "the configuration",
    "too early": "the range of years",
    "too late": "the range of years",
    "beyond 63 bits": "the range of years",
    "more digits than are held": "the digits of a decimal",
    "a whole number with too many": "the digits of a decimal",
    "beyond 63 bits as value": "the digits of a decimal",
    "far too large": "the digits of a decimal",
    "far too small": "the digits of a decimal",
    "meter twice": "a name twice",
    "value twice": "a name twice",
    "null and a value": "a name twice",
    "id twice": "a name twice",
    "twice, once with an escape": "a name twice",
    "nested too deeply": "nesting",
    "event twice": "a name twice",
    "final twice": "a name twice",
    "of twice": "a name twice",
    "final with too many digits": "the digits of a decimal",
}


def rows():
    with open(ROOT / "tests/data/events/cases.tsv", encoding="utf-8") as table:
        for line in table:
            if not line.startswith("#"):
                name, _, outcome, event, _ = line.rstrip("\n").split("\t")
                yield name, outcome, json.loads(event)


class EventSchema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schema = json.loads((ROOT / "docs/event.schema.json").read_text(encoding="utf-8"))
        cls.validator = jsonschema.Draft202012Validator(cls.schema)

    def test_is_a_schema(self):
        jsonschema.Draft202012Validator.check_schema(self.schema)

    def test_judges_as_the_decoders_do(self):
        seen = set()
        for name, outcome, event in rows():
            want = outcome == "ok" or name in BEYOND_A_SCHEMA
            with self.subTest(name):
                self.assertEqual(self.validator.is_valid(event), want)
            seen.add(name)
        self.assertLessEqual(set(BEYOND_A_SCHEMA), seen)

    def test_arrays(self):
        accepted = [event for _, outcome, event in rows() if outcome == "ok"]
        self.assertTrue(self.validator.is_valid(accepted))
        self.assertTrue(self.validator.is_valid([]))
        self.assertFalse(self.validator.is_valid(accepted + [17]))
        self.assertFalse(self.validator.is_valid([accepted]))
        for scalar in (17, "m1", None, True):
            self.assertFalse(self.validator.is_valid(scalar))


if __name__ == "__main__":
    unittest.main()
