"""Options that push a reasoning: put its end off, draw it near, favour or forbid words."""

import math
from collections.abc import Callable
from typing import Any

import click

from ponder.cli.options import sampling_of, stacked, think_of
from ponder.core.request import Request, Steering
from ponder.errors import InputError

FAVOUR = 3.0
"""Logits added where only the word is given: about twenty times likelier."""

steering_options: Callable[[Callable[..., Any]], Callable[..., Any]] = stacked(
    click.option("--extend", type=click.IntRange(0, 1000), default=0, metavar="N",
                 help='Write "Wait" in place of the first N ends of the reasoning.'),
    click.option("--soft-budget", type=click.IntRange(1), metavar="N",
                 help="From N reasoning tokens on, make its end ever likelier."),
    click.option("--ban", multiple=True, metavar="WORD", help="Never write WORD in the reasoning."),
    click.option("--favour", multiple=True, metavar="WORD[=B]", help="Add B to WORD's logit there."),
)  # fmt: skip


def request_of(values: dict[str, Any]) -> Request:
    """How a command asks, out of its parameters: a request without messages."""
    return Request(
        (),
        think=think_of(values),
        budget=values["budget"],
        sampling=sampling_of(values),
        steering=steering_of(values),
    )


def steering_of(values: dict[str, Any]) -> Steering:
    """The steering out of a command's parameters; raises InputError for a bias that is no number."""
    banned = tuple((word, -math.inf) for word in values["ban"])
    return Steering(values["extend"], values["soft_budget"], banned + tuple(map(_favoured, values["favour"])))


def _favoured(text: str) -> tuple[str, float]:
    word, equals, number = text.rpartition("=")
    if not equals:
        return text, FAVOUR
    try:
        bias = float(number)
    except ValueError:
        bias = math.nan
    if not word or not -100 <= bias <= 100:
        raise InputError(f"--favour {text} is no word with a bias: write --favour Wait=3 (from -100 to 100).")
    return word, bias
