"""The fields of a posted form as values; what is no such value gets one sentence that names the field."""

from collections.abc import Mapping, Sequence

from ponder.errors import InputError

Form = Mapping[str, Sequence[str]]


def text_field(form: Form, name: str, most: int) -> str:
    """A text with the line ends that everybody else uses; empty if it is not there."""
    value = (form.get(name) or [""])[0].replace("\r\n", "\n").replace("\0", "")
    if len(value) > most:
        raise InputError(f"{name} has {len(value):,} characters: give at most {most:,}.")
    return value


def choice_field(form: Form, name: str, choices: Sequence[str]) -> str:
    """One of `choices`, the first where nothing was chosen."""
    value = text_field(form, name, 100)
    if value and value not in choices:
        raise InputError(f"{name} is {value[:40]!r}: choose one of {', '.join(choices)}.")
    return value or choices[0]


def whole_field(form: Form, name: str, least: int, most: int) -> int | None:
    """A whole number within bounds, or None for an empty field."""
    value = text_field(form, name, 24).strip().replace(",", "")
    if not value:
        return None
    sign = value.removeprefix("-")
    if not (sign.isascii() and sign.isdecimal()) or not least <= int(value) <= most:
        raise InputError(f"{name} is {value!r}: give a whole number from {least:,} to {most:,}, or nothing.")
    return int(value)


def number_field(form: Form, name: str, least: float, most: float) -> float | None:
    """A number within bounds, or None for an empty field."""
    value = text_field(form, name, 24).strip()
    if not value:
        return None
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        raise InputError(f"{name} is {value!r}: give a number from {least:g} to {most:g}, or nothing.")
    return number
