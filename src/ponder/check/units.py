"""Units of measure whose factors are exact by definition.

Source: the international yard and pound agreement of 1959 (inch, pound), the SI brochure (BIPM, 9th edition),
NIST Handbook 44 (US gallon of 231 cubic inches).
"""

from fractions import Fraction

_INCH = Fraction("0.0254")
_POUND = Fraction("0.45359237")
_GALLON = 231 * _INCH**3 * 1000
_TABLE: dict[str, dict[str, Fraction | int]] = {
    "length": {
        "mm millimeter millimetre": Fraction(1, 1000),
        "cm centimeter centimetre": Fraction(1, 100),
        "m meter metre": 1,
        "km kilometer kilometre": 1000,
        "inch inches": _INCH,
        "foot feet ft": 12 * _INCH,
        "yard yd": 36 * _INCH,
        "mile": 63360 * _INCH,
    },
    "mass": {
        "mg milligram": Fraction(1, 10**6),
        "g gram": Fraction(1, 1000),
        "kg kilogram": 1,
        "tonne": 1000,
        "ounce oz": _POUND / 16,
        "pound lb": _POUND,
    },
    "time": {
        "s sec second": 1,
        "min minute": 60,
        "h hr hour": 3600,
        "day": 86400,
        "week": 604800,
    },
    "volume": {
        "ml milliliter millilitre": Fraction(1, 1000),
        "l liter litre": 1,
        "gallon": _GALLON,
        "quart": _GALLON / 4,
        "pint": _GALLON / 8,
    },
    "money": {"cent": 1, "dollar": 100},
    "count": {"dozen": 12},
}
UNITS = {
    name: (dimension, Fraction(factor))
    for dimension, units in _TABLE.items()
    for names, factor in units.items()
    for name in names.split()
}


def unit(word: str) -> tuple[str, Fraction] | None:
    """The dimension of a unit and its size in that dimension's base; None for other words."""
    lower = word.lower()
    return UNITS.get(lower) or (UNITS.get(lower[:-1]) if lower.endswith("s") and len(lower) > 2 else None)
