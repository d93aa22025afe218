"""Values as JSON and back: one walk over the type hints of the frozen dataclasses, checking as it reads.

Because the hints decide, a field added to `Request` or `Finish` needs no change here, and a file from
somewhere else cannot put a value of a wrong type into a trace.
"""

import json
import math
import re
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

_Value = TypeVar("_Value")
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_HEX = re.compile("(?:[0-9a-f]{2})*")


def dumps(value: object) -> str:
    """Compact JSON on one line, readable in any script.

    What could steer a terminal, end a line for some readers, or not be written as UTF-8 is escaped.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def encode(value: object) -> Any:
    """Dataclasses as objects, tuples as lists; what JSON has no form for as text: NaN and infinities by
    their names, bytes as the text they are or else as `{"hex": …}`.
    """
    if is_dataclass(value):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"hex": value.hex()}
    return value


def decode(kind: type[_Value], data: object) -> _Value:
    """The value of type `kind` that parsed JSON describes; raises ValueError where it does not fit."""
    return cast("_Value", _decode(kind, data, kind.__name__))


def _decode(hint: Any, data: Any, where: str) -> Any:
    """One level of `decode`; `where` names the place for the message."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(hint), data, where)
    if origin is Literal:
        if data in get_args(hint):
            return data
    elif origin is tuple:
        if isinstance(data, list):
            return _decode_tuple(get_args(hint), data, where)
    elif origin is Mapping:
        if isinstance(data, dict):
            return {key: _decode(get_args(hint)[1], item, f"{where}.{key}") for key, item in data.items()}
    elif is_dataclass(hint):
        if isinstance(data, dict):
            return _decode_fields(cast("type", hint), data, where)
    elif hint is object or type(data) is hint or (hint is float and type(data) is int):
        return data
    elif hint is float and data in ("nan", "inf", "-inf"):
        return float(data)
    elif hint is bytes:
        if isinstance(data, str):
            return data.encode()
        if isinstance(data, dict) and data.keys() == {"hex"} and _HEX.fullmatch(str(data["hex"])):
            return bytes.fromhex(data["hex"])
    raise ValueError(f"{where} cannot be {json.dumps(data)[:60]}")


def _decode_union(hints: tuple[Any, ...], data: Any, where: str) -> Any:
    """The first of several types that fits."""
    if data is None and type(None) in hints:
        return None
    options = [option for option in hints if option is not type(None)]
    for option in options[:-1]:
        try:
            return _decode(option, data, where)
        except ValueError:
            continue
    return _decode(options[-1], data, where)


def _decode_tuple(hints: tuple[Any, ...], data: list[Any], where: str) -> tuple[Any, ...]:
    """A `tuple[X, ...]` or a tuple of fixed length."""
    if len(hints) == 2 and hints[1] is Ellipsis:
        hints = (hints[0],) * len(data)
    if len(hints) != len(data):
        raise ValueError(f"{where} has {len(data)} items instead of {len(hints)}")
    pairs = enumerate(zip(hints, data, strict=True))
    return tuple(_decode(hint, item, f"{where}[{i}]") for i, (hint, item) in pairs)


def _decode_fields(kind: type, data: dict[str, Any], where: str) -> Any:
    """A dataclass from an object; unknown names are refused, absent ones take their defaults."""
    hints = _hints(kind)
    unknown = sorted(data.keys() - hints.keys())
    if unknown:
        raise ValueError(f"{where} has no field {unknown[0]!r}")
    needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    missing = sorted(needed - data.keys())
    if missing:
        raise ValueError(f"{where} lacks the field {missing[0]!r}")
    return kind(**{name: _decode(hints[name], item, f"{where}.{name}") for name, item in data.items()})


@cache
def _hints(kind: type) -> dict[str, Any]:
    """The resolved type hints of a dataclass."""
    return get_type_hints(kind)
