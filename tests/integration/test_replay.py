"""`ghgd replay` against an independent model, whatever was done to the stream on its way."""
import re
import unittest
from collections import Counter

import oracle
import replay
import streams

MEASUREMENTS = {"bucket": "15m", "hour": "1h", "day": "1d", "month": "1mo", "year": "1y"}
FIELDS = {"co2": "co2_kg", "ch4": "ch4_kg", "n2o": "n2o_kg", "co2e": "co2e_kg",
          "biogenic_co2": "biogenic_co2_kg"}
DAY_MS = 86_400_000


def micro(text):
    """The whole number of millionths that a field shows: micro-units, or mg of kg."""
    sign = -1 if text.startswith("-") else 1
    whole, _, rest = text.lstrip("-").partition(".")
    if len(rest) > 6:
        raise AssertionError(f"{text} has more than six decimals")
    return sign * (int(whole) * 10**6 + int(rest.ljust(6, "0")))


def ratio(above, below):
    return above / below if below else 0.0


class Comparison(unittest.TestCase):
    """What every data set is held to."""

    def run_oracle(self, site, events):
        model = oracle.Oracle(site.config, site.folder, replay.CATALOGUE)
        for event in events:
            model.take(event)
        return model

    def assert_counts(self, result, model, count):
        """The summary accounts for every event, as the model does."""
        self.assertEqual(result.read, count)
        self.assertEqual(sum(result.counts.values()), count)
        reasons = {name: n for name, n in model.outcomes.items() if name not in oracle.CLASSES}
        want = {name: n for name, n in model.outcomes.items() if name in oracle.CLASSES}
        got = {name: n for name, n in result.counts.items() if n > 0}
        self.assertEqual(result.reasons, reasons)
        self.assertEqual(got.pop("rejected", 0), sum(reasons.values()))
        self.assertEqual(got, want)

    def assert_figures(self, site, model, rows, bucket="15m"):
        """Every row of every window is as the model says, and there are no others."""
        want = {}
        for (facility, series, level, start_ms), figures in model.figures().items():
            suffix = bucket if level == "bucket" else MEASUREMENTS[level]
            tags = {"facility": facility}
            tags |= {group: model.facilities[facility].get(group) for group in model.groups}
            if series is not None:
                tags |= dict(zip(("scope", "category", "source", "unit"), series))
            name = ("coverage_" if series is None else "emissions_") + suffix
            # Line protocol cannot say a backslash at the end of a tag.
            tags = tuple(sorted((key, re.sub(r"\\$", "\ufffd", value))
                                for key, value in tags.items() if value))
            want[name, tags, start_ms] = figures
        got = {(name, tuple(sorted(tags)), start): row for (name, tags, start), row in rows.items()}
        self.assertEqual(sorted(set(want) - set(got))[:3], [], "rows that are missing")
        self.assertEqual(sorted(set(got) - set(want))[:3], [], "rows that should not be")
        for key, figures in want.items():
            try:
                self.assert_coverage(got[key], figures)
                if key[0].startswith("emissions"):
                    self.assert_emissions(got[key], figures)
            except AssertionError as error:
                raise AssertionError(f"{key}: {error}") from None
        return got

    def assert_coverage(self, row, figures):
        covered, expected = figures.covered_ms, figures.expected_ms
        self.assertEqual(micro(row["covered_s"]), covered * 1000)
        self.assertEqual(micro(row["expected_s"]), expected * 1000)
        self.assertEqual(float(row["coverage"]), ratio(covered, expected))
        self.assertEqual(row["final"], "true" if figures.final else "false")
        if "meters_expected" in row:
            self.assertEqual(row["meters_expected"], f"{figures.meters_expected}i")
            self.assertEqual(row["meters_reporting"], f"{len(figures.meters)}i")

    def assert_emissions(self, row, figures):
        self.assertEqual(micro(row["activity"]), figures.activity)
        for gas, field in FIELDS.items():
            mass_mg = micro(row[field])
            exact_mg = figures.exact_mg(gas)
            slack = figures.cells * abs(exact_mg) / 2**50  # of doubles, before they are rounded
            self.assertLessEqual(abs(mass_mg - exact_mg), oracle.Fraction(figures.cells, 2) + slack,
                                 field)
            self.assertLessEqual(abs(mass_mg - figures.mass_mg[gas]), figures.ties[gas], field)
        ties = figures.ties["co2e"]
        estimated_mg, co2e_mg = micro(row["co2e_estimated_kg"]), micro(row["co2e_kg"])
        self.assertLessEqual(abs(estimated_mg - figures.estimated_mg), ties)
        self.assertLessEqual(abs(micro(row["co2e_unsplit_kg"]) - figures.unsplit_mg), ties)
        self.assertEqual(float(row["estimated_share"]), ratio(estimated_mg, co2e_mg))

    def assert_sums(self, rows):
        """Hours, days, months and years hold the same, to the micro-unit and the milligram."""
        totals = {}
        for (name, tags, _), row in rows.items():
            if name.startswith("emissions_"):
                total = totals.setdefault(tags, {}).setdefault(name, Counter())
                for field in ("activity", "co2e_estimated_kg", "co2e_unsplit_kg", *FIELDS.values()):
                    total[field] += micro(row[field])
        for tags, levels in totals.items():
            sums = list(levels.values())
            self.assertEqual(len(sums), 5, tags)
            for other in sums[1:]:
                self.assertEqual(sums[0], other, tags)

    def check(self, stream, data=None):
        """The stream as it is; returns the site and the result for comparisons."""
        site = replay.Site(stream.config, stream.facilities, stream.meters)
        self.addCleanup(site.remove)
        result = site.replay(data or streams.json_lines(stream.events))
        model = self.run_oracle(site, stream.events)
        self.assert_counts(result, model, len(stream.events))
        rows = self.assert_figures(site, model, replay.parse_rows(result.output))
        self.assert_sums(rows)
        return site, result

    def check_disturbed(self, site, result, events, encode=streams.json_lines, changes=None):
        """Another stream with the same figures: the same bytes, and an account that adds up."""
        again = site.replay(encode(events), changes=changes)
        model = self.run_oracle(site, events)
        self.assertEqual(model.outcomes["late"], 0, "the disturbance is too strong")
        self.assert_counts(again, model, len(events))
        self.assert_same_rows(again, result)
        return again

    def assert_same_rows(self, again, result):
        got, want = again.comparable(), result.comparable()
        if got == want:
            return
        got, want = got.splitlines(), want.splitlines()
        for other, line in zip(got, want):
            self.assertEqual(other, line)
        self.fail(f"{len(got)} rows instead of {len(want)}")

    def check_all_disturbances(self, site, result, events, names=tuple(streams.DISTURBANCES)):
        for seed, name in enumerate(names):
            with self.subTest(name):
                self.check_disturbed(site, result, streams.disturb(events, seed, name))
        everything = streams.disturb(events, 99, *names)
        with self.subTest("all at once, in MessagePack"):
            self.check_disturbed(site, result, everything,
                                 lambda e: streams.msgpack_stream(e, batch_max=700))
        for tier in replay.TIERS:
            with self.subTest(tier):
                if not replay.has_tier(tier):
                    self.skipTest("not on this machine")
                self.check_disturbed(site, result, everything,
                                     lambda e: streams.json_lines(e, batch_max=5000), {"simd": tier})


class DataSets(Comparison):
    def test_steel_plant(self):
        stream = streams.steel()
        site, result = self.check(stream)
        self.check_all_disturbances(site, result, stream.events)
        with self.subTest("other units"):
            self.check_disturbed(site, result, streams.in_other_units(stream.events, 1))
        with self.subTest("start and end"):
            self.check_disturbed(site, result, streams.as_intervals(stream.events, 15 * 60_000))

    def test_registers_read_at_odd_times(self):
        stream = streams.registers()
        site, result = self.check(stream)
        self.assertRegex(result.log, r"registers: 0 discontinuities held, \d{2,} rollovers")
        self.check_all_disturbances(site, result, stream.events)

    def test_household_power(self):
        stream = streams.household()
        site, result = self.check(stream)
        self.check_all_disturbances(site, result, stream.events)

    def test_half_hourly_smart_meters(self):
        stream = streams.smart_meters()
        site, result = self.check(stream)
        for name in ("duplicate", "value_invalid", "conflict"):
            counts = {**result.counts, **result.reasons}
            self.assertGreater(counts.get(name, 0), 10, name)
        self.assertRegex(result.log, r"intervals: \d{2,} overlaps")
        # A higher revision would win over another reading that it overlaps: no "revised" here.
        self.check_all_disturbances(site, result, stream.events,
                                    ("shuffled", "duplicated", "delayed", "estimated"))

    def test_fuels_beside_electricity(self):
        for gwp in ("AR5", "AR6"):
            with self.subTest(gwp):
                stream = streams.fuels()
                stream.config["emissions"] = {"gwp": gwp}
                site, result = self.check(stream)
        self.check_all_disturbances(site, result, stream.events)

    def test_time_zones_when_clocks_change(self):
        for season, (begin, end, fiscal) in {"spring": ("2024-03-08", "2024-04-29", 4),
                                             "autumn": ("2024-10-04", "2024-11-06", 1)}.items():
            with self.subTest(season):
                stream = streams.zones(begin, end)
                stream.config["windows"] = {"fiscal_year_start": fiscal, "horizon": "8d"}
                site, result = self.check(stream)
        self.check_disturbed(site, result,
                             streams.disturb(stream.events, 5, *streams.DISTURBANCES))

    def test_eight_thousand_facilities(self):
        stream = streams.crowd(8000)
        site, result = self.check(stream)
        events = streams.disturb(stream.events, 6, "shuffled", "duplicated")
        self.check_disturbed(site, result, events,
                             lambda e: streams.msgpack_stream(e, batch_max=1000))
