"""Requests as frozen dataclasses: one declaration reads the JSON, checks it, and describes it in OpenAPI.

A field's type hint says what it may hold; `Annotated` adds bounds and a sentence. What a dataclass does not
name is refused, so no wish of a client is ever ignored in silence. Every refusal names the field.
"""

import json
import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from ponder.serve.refusal import Refusal

Value = TypeVar("Value")
Json = dict[str, Any]
_NAMES = {str: "a string", int: "an integer", float: "a number", bool: "true or false", type(None): "null"}


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a number, both included; None for no bound."""

    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Size:
    """Bounds of a length: characters, items or members."""

    most: int
    least: int = 0


def parse(body: bytes) -> object:
    """JSON as a value; raises Refusal for what is none, nested without end, or not UTF-8."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise Refusal(400, f"the body is not UTF-8 (byte {error.start}): send JSON in UTF-8.") from None
    except RecursionError:
        raise Refusal(400, "the body is nested too deeply.") from None
    except ValueError as error:
        raise Refusal(400, f"the body is no JSON: {str(error)[:120]}.") from None


def read(kind: type[Value], data: object) -> Value:
    """The value of the dataclass `kind` that parsed JSON describes; raises Refusal naming the field."""
    return cast("Value", _read(kind, data, ""))


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")


class _WrongKind(Refusal):
    """Not even the kind of value that is wanted."""


def _wrong(where: str, what: str, data: object) -> Refusal:
    shown = json.dumps(data)[:60]
    return _WrongKind(400, f"{where or 'the body'} must be {what}, not {shown}.", parameter=where)


def _read(hint: Any, data: Any, where: str) -> Any:
    """One level of `read`; `where` is the path of the field."""
    origin = get_origin(hint)
    if origin is Annotated:
        value = _read(get_args(hint)[0], data, where)
        for bound in get_args(hint)[1:]:
            _check(bound, value, where)
        return value
    if origin in (Union, types.UnionType):
        return _read_union(get_args(hint), data, where)
    if origin is Literal:
        allowed = get_args(hint)
        if any(data == value and type(data) is type(value) for value in allowed):
            return data
        words = ", ".join(json.dumps(value) for value in allowed)
        raise _wrong(where, words if len(allowed) == 1 else f"one of {words}", data)
    if origin is tuple:
        if not isinstance(data, list):
            raise _wrong(where, "a list", data)
        return tuple(_read(get_args(hint)[0], item, f"{where}[{i}]") for i, item in enumerate(data))
    if origin is Mapping:
        if not isinstance(data, dict):
            raise _wrong(where, "an object", data)
        return {key: _read(get_args(hint)[1], item, f"{where}.{key[:40]}") for key, item in data.items()}
    if is_dataclass(hint):
        return _read_fields(cast("type", hint), data, where)
    return _read_plain(hint, data, where)


def _read_plain(hint: Any, data: Any, where: str) -> Any:
    if hint is object or (hint is type(None) and data is None):
        return data
    if hint is str and isinstance(data, str):
        try:
            data.encode()
        except UnicodeEncodeError:
            raise Refusal(
                400, f"{where} holds half a character: send whole UTF-8.", parameter=where
            ) from None
        return data
    if hint is bool and isinstance(data, bool):
        return data
    number = isinstance(data, int | float) and not isinstance(data, bool)
    if hint is int and number and abs(data) <= 2**63 and (isinstance(data, int) or data.is_integer()):
        return int(data)
    if hint is float and number and (isinstance(data, int) or math.isfinite(data)) and abs(data) < 1e300:
        return float(data)
    raise _wrong(where, _NAMES.get(hint, str(hint)), data)


def _read_union(hints: tuple[Any, ...], data: Any, where: str) -> Any:
    """The first of several types that fits; the refusal is that of the one which came nearest."""
    if data is None and type(None) in hints:
        return None
    options = [option for option in hints if option is not type(None)]
    nearest: Refusal | None = None
    for option in options:
        try:
            return _read(option, data, where)
        except Refusal as refusal:
            if nearest is None or _nearness(refusal) > _nearness(nearest):
                nearest = refusal
    assert nearest is not None
    if len(options) > 1 and isinstance(nearest, _WrongKind) and nearest.parameter == where:
        raise _wrong(where, " or ".join(dict.fromkeys(_kind(option) for option in options)), data)
    raise nearest


def _nearness(refusal: Refusal) -> tuple[int, bool]:
    return len(refusal.parameter), not isinstance(refusal, _WrongKind)


def _kind(hint: Any) -> str:
    """What a hint takes, in words."""
    origin = get_origin(hint)
    if origin is Annotated:
        return _kind(get_args(hint)[0])
    if origin is Literal:
        return " or ".join(json.dumps(value) for value in get_args(hint))
    if origin is tuple:
        return "a list"
    return _NAMES.get(hint, "an object")


def _check(bound: object, value: Any, where: str) -> None:
    if value is None:
        return
    if isinstance(bound, Range):
        low, high = bound.least, bound.most
        if (low is not None and value < low) or (high is not None and value > high):
            span = f"at least {_told(low)}" if high is None else f"from {_told(low)} to {_told(high)}"
            raise Refusal(400, f"{where} must be {span}, not {_told(value)}.", parameter=where)
    elif (
        isinstance(bound, Size)
        and isinstance(value, str | tuple | dict)
        and not bound.least <= len(value) <= bound.most
    ):
        what = "characters" if isinstance(value, str) else "items"
        span = f"{bound.least} to {bound.most} {what}"
        raise Refusal(400, f"{where} must have {span}, not {len(value)}.", parameter=where)


def _told(number: float | None) -> str:
    """Whole numbers with all their digits, others short."""
    whole = number is not None and abs(number) < 1e15 and number == int(number)
    return f"{number:,.0f}" if whole else f"{number:g}"


def _read_fields(kind: type, data: Any, where: str) -> Any:
    if not isinstance(data, dict):
        raise _wrong(where, "an object", data)
    hints = hints_of(kind)
    prefix = f"{where}." if where else ""
    for name in data:
        if name not in hints:
            shown = name[:60].encode("ascii", "replace").decode()
            refused = getattr(kind, "REFUSED", {}).get(name) or "this server does not know it: leave it out"
            raise Refusal(400, f"{prefix}{shown}: {refused}.", parameter=prefix + shown)
    for field in fields(kind):
        if field.default is MISSING and field.default_factory is MISSING and field.name not in data:
            raise Refusal(400, f"{prefix}{field.name} is missing.", parameter=prefix + field.name)
    return kind(**{name: _read_field(kind, name, item, prefix) for name, item in data.items()})


def _read_field(kind: type, name: str, data: Any, prefix: str) -> Any:
    try:
        return _read(hints_of(kind)[name], data, prefix + name)
    except Refusal as refusal:
        reason = getattr(kind, "REFUSED", {}).get(name)  # it has a place, but only for what says nothing
        if reason is None:
            raise
        raise Refusal(400, f"{prefix}{name}: {reason}.", parameter=prefix + name) from refusal


@cache
def hints_of(kind: type) -> dict[str, Any]:
    """The resolved type hints of a dataclass, bounds included."""
    known = {field.name for field in fields(kind)}
    hints = get_type_hints(kind, include_extras=True)
    return {name: hint for name, hint in hints.items() if name in known}


# ---------------------------------------------------------------------- OpenAPI


def describe(hint: Any, components: dict[str, Json]) -> Json:
    """The JSON schema of a hint; dataclasses go to `components` and are referred to."""
    origin = get_origin(hint)
    if origin is Annotated:
        inner = describe(get_args(hint)[0], components)
        for bound in get_args(hint)[1:]:
            _describe_bound(bound, inner)
        return inner
    if origin in (Union, types.UnionType):
        options = [describe(option, components) for option in get_args(hint) if option is not type(None)]
        nullable = type(None) in get_args(hint)
        if nullable:
            options.append({"type": "null"})
        return options[0] if len(options) == 1 else {"anyOf": options}
    if origin is Literal:
        return {"enum": list(get_args(hint))}
    if origin is tuple:
        return {"type": "array", "items": describe(get_args(hint)[0], components)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": describe(get_args(hint)[1], components)}
    if is_dataclass(hint):
        return _describe_fields(cast("type", hint), components)
    plain = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
    return {"type": plain[hint]} if hint in plain else {}


def _describe_fields(kind: type, components: dict[str, Json]) -> Json:
    name = kind.__name__
    if name not in components:
        components[name] = {}
        needed = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]
        components[name] = {
            "type": "object",
            "description": (kind.__doc__ or "").strip().split("\n\n")[0],
            "properties": {field: describe(hint, components) for field, hint in hints_of(kind).items()},
            "additionalProperties": False,
        } | ({"required": needed} if needed else {})
    return {"$ref": f"#/components/schemas/{name}"}


def _describe_bound(bound: object, schema: Json) -> None:
    if isinstance(bound, str):
        schema["description"] = bound
        return
    for part in schema.get("anyOf", [schema]):
        kind = part.get("type")
        if isinstance(bound, Range) and kind in {"integer", "number"}:
            part.update({} if bound.least is None else {"minimum": bound.least})
            part.update({} if bound.most is None else {"maximum": bound.most})
        elif isinstance(bound, Size):
            names = {"string": "Length", "array": "Items", "object": "Properties"}
            if kind in names:
                part[f"max{names[kind]}"] = bound.most
                part.update({f"min{names[kind]}": bound.least} if bound.least else {})
