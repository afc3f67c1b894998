#!/usr/bin/env python3
"""Prints saturation.txt: enthalpies of saturated steam and water by IAPWS-IF97, between the points
of the table in config/units/steam.c; with --table, the points themselves.

It needs the package `iapws` (pip install iapws), which is independent of the code under test, and
checks it against the verification values of IAPWS R7-97(2012), Tables 5, 15 and 36.
"""
import sys
from iapws.iapws97 import _PSat_T, _Region1, _Region2, _TSat_P

POINTS_KPA = (50, 61, 74, 90, 100, 120, 140, 160, 190, 220, 260, 310, 370, 440, 520, 620, 730, 860,
              1000, 1100, 1300, 1500, 1700, 2000, 2300, 2700, 3100, 3600, 4200, 4800, 5500, 6300,
              7100, 8000, 8900, 9800, 10000)
POINTS_C = range(0, 201, 10)


def steam(kpa):
    return _Region2(_TSat_P(kpa / 1000), kpa / 1000)["h"]


def water(celsius):
    kelvin = celsius + 273.15
    return _Region1(kelvin, max(_PSat_T(kelvin), 0.000612))["h"]


def main():
    assert abs(_Region1(300, 3)["h"] - 115.331273) < 1e-6
    assert abs(_Region2(300, 0.0035)["h"] - 2549.91145) < 1e-5
    assert abs(_TSat_P(0.1) - 372.755919) < 1e-6 and abs(_TSat_P(10) - 584.149488) < 1e-6
    if sys.argv[1:] == ["--table"]:
        print(", ".join(f"{{{p}, {round(steam(p) * 100)}}}" for p in POINTS_KPA))
        print(", ".join(f"{{{t}, {round(water(t) * 100)}}}" for t in POINTS_C))
        return
    print("# IAPWS-IF97: steam, absolute kPa, kJ/kg; water, degrees Celsius, kJ/kg")
    for low, high in zip(POINTS_KPA, POINTS_KPA[1:]):
        for part in range(4):
            kpa = low + (high - low) * part // 4
            print(f"steam {kpa} {steam(kpa):.3f}")
    for celsius in range(0, 201, 3):
        print(f"water {celsius} {water(celsius):.3f}")


main()
