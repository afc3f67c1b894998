"""`ghgd replay` against an independent model, whatever was done to the stream on its way."""
import re
import shutil
import unittest
from collections import Counter
from decimal import Decimal

import daemon
import oracle
import replay
import streams

MEASUREMENTS = {"bucket": "15m", "hour": "1h", "day": "1d", "month": "1mo", "year": "1y"}
DAY_MS = 86_400_000


def whole(row, field):
    """The whole number that a field shows, in the decimals that the model has for its figure."""
    decimals = 6 if field.endswith("_kwh") else 3 if field.endswith("_s") else oracle.FIGURES[field][1]
    value = Decimal(row[field]).scaleb(decimals)
    if value != int(value):
        raise AssertionError(f"{field} {row[field]} has too many decimals")
    return int(value)


def ratio(above, below):
    return above / below if below else 0.0


class TheTable(unittest.TestCase):
    def test_the_model_computes_every_figure(self):
        """docs/series.md is printed from the table of figures; the model has a list of its own."""
        page = (daemon.servers.ROOT / "docs/series.md").read_text()
        section = page.split("### emissions_*")[1].split("###")[0]
        table = {}
        for line in section.splitlines():
            cells = [cell.strip().strip("`") for cell in line.split("|")]
            if len(cells) > 5 and re.fullmatch(r"0?\.?0*1", cells[4]):
                table[cells[1]] = (line.split("|")[3].strip(), cells[4].count("0"))
        self.assertEqual(table, oracle.FIGURES)


class Comparison(unittest.TestCase):
    """The checks that every data set has to pass."""

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

        def expect(stem, facility, series, level, start_ms, figures):
            suffix = bucket if level == "bucket" else MEASUREMENTS[level]
            tags = {"facility": facility}
            tags |= {group: model.facilities[facility].get(group) for group in model.groups}
            if series is not None:
                tags |= dict(zip(("scope", "category", "source", "unit"), series))
            # Line protocol cannot say a backslash at the end of a tag.
            tags = tuple(sorted((key, re.sub(r"\\$", "\ufffd", value))
                                for key, value in tags.items() if value))
            want[stem + suffix, tags, start_ms] = figures

        every = model.figures()
        for (facility, series, level, start_ms), figures in every.items():
            expect("coverage_" if series is None else "emissions_", facility, series, level, start_ms, figures)
        for (facility, level, start_ms), balance in model.balances(every).items():
            balance.final = every[facility, None, level, start_ms].final
            expect("energy_", facility, None, level, start_ms, balance)
        got = {(name, tuple(sorted(tags)), start): row for (name, tags, start), row in rows.items()}
        self.assertEqual(sorted(set(want) - set(got))[:3], [], "rows that are missing")
        self.assertEqual(sorted(set(got) - set(want))[:3], [], "rows that should not be")
        for key, figures in want.items():
            try:
                self.assert_coverage(got[key], figures)
                if key[0].startswith("emissions"):
                    self.assert_emissions(got[key], figures)
                if key[0].startswith("energy"):
                    self.assert_balance(got[key], figures)
            except AssertionError as error:
                raise AssertionError(f"{key}: {error}") from None
        return got

    def assert_coverage(self, row, figures):
        self.assertEqual(whole(row, "covered_s"), figures.covered_ms)
        self.assertEqual(whole(row, "expected_s"), figures.expected_ms)
        if figures.expected_ms > 0:
            self.assertEqual(float(row["coverage"]), ratio(figures.covered_ms, figures.expected_ms))
        else:
            self.assertNotIn("coverage", row)
        self.assertEqual(row["final"], "true" if figures.final else "false")
        if "meters_expected" in row:
            if figures.weights[1] > 0:
                self.assertEqual(float(row["coverage_weighted"]), ratio(*map(float, figures.weights)))
            else:
                self.assertNotIn("coverage_weighted", row)
            self.assertEqual(row["meters_expected"], f"{figures.meters_expected}i")
            self.assertEqual(row["meters_reporting"], f"{len(figures.meters)}i")

    def assert_balance(self, row, balance):
        fields = balance.fields()
        self.assertEqual({field: whole(row, field) if field in row else None for field in fields}, fields)
        self.assertEqual({field: whole(row, field) for field in balance.times}, balance.times)
        self.assertEqual(row["flows_unknown"], f"{list(balance.values.values()).count(None)}i")

    def assert_emissions(self, row, figures):
        ties = {field: figures.ties[gas] for gas, field in oracle.GASES.items()}
        ties["co2e_unsplit_kg"] = ties["co2e_estimated_kg"] = ties["co2e_kg"]
        ties["energy_gj"] = figures.ties["energy"]
        for field, value in figures.values().items():
            if value is None:
                self.assertNotIn(field, row)
                continue
            self.assertLessEqual(abs(whole(row, field) - value), ties.get(field, 0), field)
        for gas, field in oracle.GASES.items():
            exact = figures.exact_mass(gas)
            slack = figures.cells * abs(exact) / 2**50  # of doubles, before they are rounded
            self.assertLessEqual(abs(whole(row, field) - exact),
                                 oracle.Fraction(figures.cells, 2) + slack, field)
        self.assertEqual(float(row["estimated_share"]),
                         ratio(whole(row, "co2e_estimated_kg"), whole(row, "co2e_kg")))

    def assert_sums(self, rows):
        """Hours, days, months and years hold the same, to the last whole number."""
        totals = {}
        for (name, tags, _), row in rows.items():
            if name.startswith("emissions_"):
                total = totals.setdefault(tags, {}).setdefault(name, Counter())
                for field in oracle.FIGURES.keys() - {"covered_s", "expected_s"}:
                    total[field] += whole(row, field) if field in row else 0
        for tags, levels in totals.items():
            sums = list(levels.values())
            for total in sums:
                if total["energy_unknown"] > 0:  # some windows leave their energy out
                    del total["energy_gj"]
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


@unittest.skipIf(daemon.is_sanitized("tsan"), "a replay has one thread")
class DataSets(Comparison):
    def test_steel_plant(self):
        stream = streams.steel()
        site, result = self.check(stream)
        self.check_all_disturbances(site, result, stream.events)
        with self.subTest("other units"):
            self.check_disturbed(site, result, streams.in_other_units(stream.events, 1))
        with self.subTest("start and end"):
            self.check_disturbed(site, result, streams.as_intervals(stream.events, 15 * 60_000))

    def test_decisions_of_people(self):
        """Readings are dropped, some before they come, and some drops are taken back."""
        for name, stream, share in (("intervals", streams.steel(days=30), 0.03),
                                    ("registers", streams.registers(), 0.03), ("gauges", streams.household(), 0.004)):
            with self.subTest(name):
                kind = {meter["id"]: meter["kind"] for meter in stream.meters}
                events = streams.decided(stream.events, 5, share, lambda event: kind[event["meter"]] != "register")
                config = {**stream.config, "windows": {"horizon": "40d"}}  # readers come every five days
                site, result = self.check(streams.Stream(stream.facilities, stream.meters, events, config))
                self.check_disturbed(site, result, streams.disturb(events, 8, "shuffled", "duplicated"))

    def test_registers_read_at_odd_times(self):
        stream = streams.registers()
        site, result = self.check(stream)
        self.assertRegex(result.log, r"registers: \d{2,} rollovers, [0-9] breaks held")
        self.check_all_disturbances(site, result, stream.events)

    def test_household_power(self):
        stream = streams.household()
        site, result = self.check(stream)
        self.check_all_disturbances(site, result, stream.events)

    def test_half_hourly_smart_meters(self):
        stream = streams.smart_meters()
        # The stream has conflicts, and the disturbances change the order of the log.
        stream.config.setdefault("input", {})["on_conflict"] = "larger"
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

    def test_counters_in_place_of_amounts(self):
        """The same plant by a counter behind a transformer: the same quarters of an hour, and in
        all what was put in. Without max_rate a quarter of an hour after a quiet time may be left aside."""
        stream = streams.steel(days=40)
        amounts = replay.parse_rows(self.check(stream)[1].output)
        counter = {**stream.meters[0], "kind": "register", "stamp": "", "multiplier": "40",
                   "max_rate": "1 MW"}
        shown = streams.as_registers(stream.events, 15 * 60_000, Decimal(40))
        site, result = self.check(streams.Stream(stream.facilities, [counter], shown, stream.config))
        self.check_disturbed(site, result, streams.disturb(shown, 8, *streams.DISTURBANCES))
        rows = replay.parse_rows(result.output)
        for key, row in amounts.items():
            if key[0] == "emissions_15m":
                self.assertEqual(rows[key], row)
        total = sum(Decimal(event["value"]) for event in stream.events)
        years = [whole(row, "activity") for key, row in rows.items() if key[0] == "emissions_1y"]
        self.assertEqual(sum(years), total * 10**6)

    def test_a_register_that_was_silent_beyond_the_horizon(self):
        """Windows that have closed meanwhile keep what they have, and the total is exact."""
        stream = streams.steel(days=40)
        register = {"id": "gas", "facility": "gwangyang", "kind": "register", "unit": "Nm3",
                    "category": "stationary_combustion", "factor": "ipcc2006.natural_gas"}
        site = replay.Site(stream.config, stream.facilities, [*stream.meters, register])
        self.addCleanup(site.remove)
        begin = streams.ms("2018-01-01T00:07:00+09:00")
        shown = [(0, "5.5"), (11, "1000.123457"), (30, "1001"), (39, "7777.777777")]
        events = stream.events + [{"meter": "gas", "time": streams.stamp(begin + days * DAY_MS),
                                   "value": value} for days, value in shown]
        result = site.replay(streams.json_lines(streams.in_order(streams.arrivals(events))))
        self.assertEqual(result.counts["used"], len(events))
        rows = replay.parse_rows(result.output)
        self.assert_sums(rows)
        gas = [row for (name, tags, _), row in rows.items()
               if name == "emissions_1y" and dict(tags)["scope"] == "1"]
        self.assertEqual([row["activity"] for row in gas], ["7772.277777"])


    def test_several_sinks(self):
        """Each gets every row once, as a single one does."""
        stream = streams.steel(days=30)
        early = {**stream.facilities[0], "id": "pohang"}  # falls silent soon
        meter = {**stream.meters[0], "id": "other-line", "facility": "pohang"}
        events = [{**stream.events[0], "meter": "other-line"}, *stream.events]
        sinks = [{"name": name, "type": "file", "path": f"{name}.rows"} for name in "abc"]
        site = replay.Site({**stream.config, "sinks": sinks, "state_directory": "."},
                           [*stream.facilities, early], [*stream.meters, meter])
        self.addCleanup(site.remove)
        data = streams.json_lines(streams.disturb(events, 13, *streams.DISTURBANCES))
        result = site.replay(data)
        site.replay(data, options=("--sinks",))
        for sink in sinks:
            self.assertEqual((site.folder / sink["path"]).read_bytes(), result.output)


class Judgement(Comparison):
    """The outcomes of events that are not used."""

    METERS = [
        {"id": "el", "facility": "plant", "kind": "interval", "unit": "kWh", "interval": "15m",
         "stamp": "end", "category": "purchased_electricity"},
        {"id": "bare", "facility": "plant", "kind": "interval", "unit": "kWh",
         "category": "purchased_electricity"},
        {"id": "gas", "facility": "plant", "kind": "register", "unit": "Nm3",
         "category": "stationary_combustion", "factor": "ipcc2006.natural_gas"},
        {"id": "kw", "facility": "plant", "kind": "gauge", "unit": "kW",
         "category": "purchased_electricity"},
        {"id": "weekly", "facility": "plant", "kind": "delivery", "unit": "L", "interval": "7d",
         "category": "stationary_combustion", "factor": "ipcc2006.gas_diesel_oil"},
        {"id": "old", "facility": "plant", "kind": "interval", "unit": "kWh", "interval": "15m",
         "stamp": "start", "category": "purchased_electricity", "valid_to": "2026-03-01"},
    ]
    FACILITIES = [{"id": "plant", "time_zone": "Europe/Lisbon", "country": "PT"}]
    GOOD = '{"meter": "el", "time": "2026-03-02T10:00:00Z", "value": 1}'

    JSON = {
        "undecodable": ("what", '{"meter": "el", "time": ', '"text"', "[7]", "{} {}", "\ufeff",
                        '{"meter": "el", "value": NaN}', '{"meter": "el",}', "[" * 40 + "]" * 40),
        "meter_missing": ('{T, "value": 1}', '{"meter": "", T, "value": 1}', "{}",
                          '{"meter": null, T, "value": 1}',
                          '{"meter": "' + "x" * 256 + '", T, "value": 1}'),
        "meter_type": ('{"meter": 5, T, "value": 1}', '{"meter": ["el"], T, "value": 1}',
                       '{"meter": "e\\u0000l", T, "value": 1}', '{"meter": "e\\nl", T, "value": 1}'),
        "time_missing": ('{"meter": "el", "value": 1}', '{"meter": "el", "time": null, "value": 1}',
                         '{"meter": "el", "start": "2026-03-02T10:00:00Z", "value": 1}'),
        "time_invalid": ('{"meter": "el", "time": "2026-03-02T10:00:00", "value": 1}',
                         '{"meter": "el", "time": "2026-02-29T10:00:00Z", "value": 1}',
                         '{"meter": "el", "time": 1772360100, "value": 1}',
                         '{"meter": "el", "time": "", "value": 1}',
                         '{"meter": "el", "time": true, "value": 1}'),
        "time_range": ('{"meter": "el", "time": "1899-12-31T23:59:59Z", "value": 1}',
                       '{"meter": "el", "time": "2200-01-01T00:00:01Z", "value": 1}',
                       '{"meter": "el", "start": "2026-03-02T10:00:00Z", '
                       '"end": "2026-03-02T10:00:00Z", "value": 1}',
                       '{"meter": "el", "start": "2026-03-02T10:00:00+01:00", '
                       '"end": "2026-03-02T10:00:00+02:00", "value": 1}',
                       '{"meter": "el", "start": "2025-01-01T10:00:00Z", '
                       '"end": "2026-03-02T10:00:00Z", "value": 1}'),
        "time_kind": ('{"meter": "gas", I, "value": 1}', '{"meter": "kw", I, "value": 1}',
                      '{"meter": "weekly", I, "value": 1}', '{"meter": "bare", T, "value": 1}',
                      '{"meter": "el", T, I, "value": 1}'),
        "value_missing": ('{"meter": "el", T}', '{"meter": "el", T, "value": null}'),
        "value_invalid": ('{"meter": "el", T, "value": "12,5"}', '{"meter": "el", T, "value": "Null"}',
                          '{"meter": "el", T, "value": ""}', '{"meter": "el", T, "value": " 1"}',
                          '{"meter": "el", T, "value": "0x1"}', '{"meter": "el", T, "value": false}',
                          '{"meter": "el", T, "value": "inf"}', '{"meter": "el", T, "value": {}}'),
        "value_range": ('{"meter": "el", T, "value": 1e30}', '{"meter": "el", T, "value": 2251799814}',
                        '{"meter": "el", T, "value": 1.234567890123456789}',
                        '{"meter": "gas", T, "value": 1e13}'),
        "value_negative": ('{"meter": "el", T, "value": -0.5}', '{"meter": "gas", T, "value": "-1"}',
                           '{"meter": "kw", T, "value": -1e-9}'),
        "unit_unknown": ('{"meter": "el", T, "value": 1, "unit": "kilowatts"}',
                         '{"meter": "el", T, "value": 1, "unit": "mWh"}',
                         '{"meter": "el", T, "value": 1, "unit": ""}',
                         '{"meter": "el", T, "value": 1, "unit": 3}'),
        "unit_mismatch": ('{"meter": "el", T, "value": 1, "unit": "kg"}',
                          '{"meter": "el", T, "value": 1, "unit": "kW"}',
                          '{"meter": "gas", T, "value": 1, "unit": "Sm3"}',
                          '{"meter": "kw", T, "value": 1, "unit": "kWh"}'),
        "quality_invalid": ('{"meter": "el", T, "value": 1, "quality": "guessed"}',
                            '{"meter": "el", T, "value": 1, "quality": 1}'),
        "revision_invalid": ('{"meter": "el", T, "value": 1, "revision": -1}',
                             '{"meter": "el", T, "value": 1, "revision": 65536}',
                             '{"meter": "el", T, "value": 1, "revision": 1.5}',
                             '{"meter": "el", T, "value": 1, "revision": "1"}'),
        "field_duplicate": ('{"meter": "el", "meter": "el", T, "value": 1}',
                            '{"meter": "el", T, "value": 1, "value": 1}'),
        "meter_not_valid": ('{"meter": "old", T, "value": 1}', '{"meter": "old", I, "value": 1}'),
        "too_large": ('{"meter": "el", T, "value": 1, "note": "' + "x" * 70_000 + '"}',
                      '{"meter": "el", T, "value": 1, "note": "' + "x" * (9 << 20) + '"}'),
        "unknown": ('{"meter": "nobody", T, "value": 1}', '{"meter": "EL", T, "value": "-3"}'),
        "conflict": ('{"meter": "el", "time": "2026-03-02T10:00:00Z", "value": 0.5}',),
    }
    TIME = '"time": "2026-03-02T10:15:00Z"'
    INTERVAL = '"start": "2026-03-02T10:00:00Z", "end": "2026-03-02T10:15:00Z"'

    def site(self, **sections):
        site = replay.Site(sections, self.FACILITIES, self.METERS)
        self.addCleanup(site.remove)
        return site

    def assert_refused(self, result, wanted):
        """wanted: (line, index, reason); reasons of their own class stand in its place."""
        got = [(int(line), int(index), reason or outcome)
               for line, index, outcome, reason in result.rejects]
        self.assertEqual(got, wanted)
        self.assertEqual(result.read, sum(result.counts.values()))

    def test_every_kind_of_bad_event(self):
        lines, wanted = [self.GOOD], []
        for reason, texts in self.JSON.items():
            for text in texts:
                lines.append(text.replace("T,", self.TIME + ",").replace("T}", self.TIME + "}")
                             .replace("I,", self.INTERVAL + ","))
                wanted.append((len(lines), 1, reason))
        site = self.site(input={"on_conflict": "hold"})
        result = site.replay("\n".join(lines).encode())
        self.assert_refused(result, wanted)
        self.assertEqual(result.counts["used"], 1)
        self.assertEqual(result.counts["unknown"], 2)
        reasons = Counter(reason for _, _, reason in wanted if reason != "unknown")
        self.assertEqual(result.reasons, dict(reasons))

    def test_bad_elements_leave_the_others(self):
        good = [self.GOOD.replace("10:00", f"11:{minute}") for minute in (15, 30, 45)]
        line = f'[{good[0]}, 7, {good[1]}, {{"meter": "nobody"}}, {good[2]}]'
        result = self.site().replay(f"\n{line}\n{line[:-1]}\n[]\n{good[0]}".encode())
        # The second line is cut at its end: what stood before is a duplicate, and used as such.
        self.assert_refused(result, [(1, 2, "undecodable"), (1, 4, "time_missing"),
                                     (2, 2, "undecodable"), (2, 4, "time_missing"),
                                     (2, 6, "undecodable")])
        self.assertEqual(result.counts["used"], 3)
        self.assertEqual(result.counts["duplicate"], 4)

    def test_bad_messagepack(self):
        event = {"meter": "el", "time": "2026-03-02T10:00:00Z", "value": 1.5}
        raw = streams.msgpack(event)
        value = streams.msgpack(1.5)
        meter = streams.msgpack("el")
        cases = [
            (raw, None),
            (raw.replace(value, b"\xcb\x7f\xf8" + bytes(6)), "value_invalid"),  # NaN
            (raw.replace(value, b"\xcb\xff\xf0" + bytes(6)), "value_invalid"),  # -inf
            (raw.replace(value, b"\xcf" + b"\xff" * 8), "value_range"),
            (raw.replace(value, b"\xc3"), "value_invalid"),
            (raw.replace(value, b"\xc0"), "value_missing"),
            (raw.replace(meter, b"\xc4\x02el"), "meter_type"),  # bytes
            (raw.replace(meter, b"\xa2\xff\xfe"), "meter_type"),  # no UTF-8
            (streams.msgpack({**event, "time": 1772445600}), "time_invalid"),
            (streams.msgpack({**event, "revision": -1}), "revision_invalid"),
            (streams.msgpack([event, 7])[0:1] + raw + b"\x07", "undecodable"),
            (b"\x07", "undecodable"),
            (raw, None),
        ]
        result = self.site().replay(b"".join(data for data, _ in cases))
        wanted = [(number, 2 if data[0] == 0x92 else 1, reason)
                  for number, (data, reason) in enumerate(cases, 1) if reason]
        self.assert_refused(result, wanted)
        self.assertEqual((result.counts["used"], result.counts["duplicate"]), (1, 2))

    def test_late_early_and_too_many(self):
        site = self.site(windows={"horizon": "2d", "early_tolerance": "10m", "bucket": "15m"})
        event = '{{"meter": "el", "time": "{}", "value": {}}}'.format
        lines = [event("2026-03-05T00:00:00Z", 1), event("2026-03-02T23:45:00Z", 2),
                 event("2026-03-03T00:00:00Z", 3), event("2026-03-05T00:20:00Z", 4),
                 event("2026-03-05T00:10:00Z", 5)]
        lines += [f'{{"meter": "weekly", "time": "2026-03-04T00:00:{second:02}Z", "value": 1}}'
                  for second in range(60)] * 2
        lines += [f'{{"meter": "weekly", "time": "2026-03-04T00:01:{second:02}Z", "value": 1}}'
                  for second in range(9)]
        result = site.replay("\n".join(lines).encode(), options=("--as-of", "2026-03-05T00:00:00Z"))
        # The floor is 2026-03-02T23:45Z, and what begins before it is late. A meter of one reading
        # in seven days has room for 64.
        self.assert_refused(result, [(2, 1, "late"), (4, 1, "early"),
                                     *((number, 1, "journal_full")
                                       for number in range(126 + 64 - 60, len(lines) + 1))])
        self.assertEqual(result.counts["duplicate"], 60)

    def test_late_events_change_nothing(self):
        stream = streams.steel(days=30)
        site = replay.Site({**stream.config, "windows": {"horizon": "1d"}}, stream.facilities,
                           stream.meters)
        self.addCleanup(site.remove)
        events = streams.disturb(stream.events, 11, "delayed", "revised", "shuffled")
        result, model = site.replay(streams.json_lines(events)), self.run_oracle(site, events)
        self.assertGreater(model.outcomes["late"], 100)
        self.assert_counts(result, model, len(events))
        rows = self.assert_figures(site, model, replay.parse_rows(result.output))
        self.assert_sums(rows)

    @unittest.skipUnless(shutil.which("valgrind"), "there is no valgrind")
    @unittest.skipIf(daemon.is_sanitized(), "a sanitizer has its own memory, and finds as much")
    def test_memory(self):
        """A replay of everything at once, under valgrind."""
        stream = streams.fuels(days=4)
        site = replay.Site(stream.config, stream.facilities, stream.meters)
        self.addCleanup(site.remove)
        events = streams.disturb(stream.events, 12, *streams.DISTURBANCES)
        events += [{"meter": "nobody", "time": "2025-01-01T00:00:00Z", "value": "x"}] * 9
        data = streams.json_lines(events, batch_max=50)
        plain = site.replay(data)
        result = site.replay(data, prefix=("valgrind", "-q", "--error-exitcode=9", "--leak-check=full",
                                           "--errors-for-leak-kinds=definite"))
        self.assertEqual(result.output, plain.output)
