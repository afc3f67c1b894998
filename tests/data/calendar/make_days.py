#!/usr/bin/env python3
"""Prints days.txt: the days of 1990 to 2024 that are not 24 hours long, by zone.

This is brute force and independent of the code under test: every quarter of an hour is given its
local date by Python's zoneinfo. A day begins with the first quarter whose date is that day or a
later one. An hour is a run of quarters of equal date, hour and UTC offset. The past only: tzdata
may still change its mind about the future.
"""
import datetime as dt
import zoneinfo

ZONES = """
Europe/Istanbul Europe/Berlin Europe/London Europe/Lisbon Europe/Moscow Europe/Volgograd
America/New_York America/St_Johns America/Havana America/Sao_Paulo America/Caracas America/Asuncion
Asia/Dhaka Asia/Kathmandu Asia/Kolkata Asia/Beirut Asia/Amman Asia/Gaza Asia/Tehran Asia/Shanghai
Asia/Pyongyang Asia/Ho_Chi_Minh Africa/Cairo Africa/Casablanca Africa/Juba Antarctica/Troll
Australia/Lord_Howe Australia/Eucla Pacific/Apia Pacific/Kiritimati Pacific/Kwajalein
Pacific/Norfolk
""".split()
QUARTER_S = 900
FIRST, LAST = dt.date(1990, 1, 1), dt.date(2024, 12, 31)


def days_of(zone):
    """Yields (date, start, quarters, hours) for each date that has begun."""
    tz = zoneinfo.ZoneInfo(zone)
    start = int(dt.datetime(1989, 12, 31, tzinfo=dt.timezone.utc).timestamp())
    stop = int(dt.datetime(2025, 1, 2, 12, tzinfo=dt.timezone.utc).timestamp())
    day = day_start = last_hour = None
    hours = 0
    for time in range(start, stop, QUARTER_S):
        local = dt.datetime.fromtimestamp(time, tz)
        date = local.date()
        if day is None or date > day:
            if day is not None:
                yield day, day_start, (time - day_start) // QUARTER_S, hours
                day += dt.timedelta(1)
                while day < date:
                    yield day, time, 0, 0
                    day += dt.timedelta(1)
            day, day_start, hours = date, time, 0
        hour = (date, local.hour, local.utcoffset())
        hours += hour != last_hour
        last_hour = hour


def main():
    print("# Made by make_days.py. `zone NAME START` gives the first instant of", FIRST, "in Unix")
    print("# seconds, `DATE MINUTES HOURS` each day to", LAST, "that is not 1440 minutes in 24 hours.")
    for zone in ZONES:
        for date, start, quarters, hours in days_of(zone):
            if date == FIRST:
                print("zone", zone, start)
            if FIRST <= date <= LAST and (quarters, hours) != (96, 24):
                print(date, quarters * 15, hours)


if __name__ == "__main__":
    main()
