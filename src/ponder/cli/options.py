"""Options that several commands share: which model, where it runs, how its tokens are chosen."""

import os
from collections.abc import Callable
from typing import Any

import click

from ponder.core.request import Sampling, Think
from ponder.errors import InputError
from ponder.opened import Options

Command = Callable[..., Any]


class Tokens(click.ParamType):  # type: ignore[type-arg]
    """A number of tokens: 4096, or 32k for 32,768."""

    name = "tokens"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it; fails with a sentence."""
        text = str(value).strip().lower()
        try:
            return int(text[:-1]) * 1024 if text.endswith("k") else int(text)
        except ValueError:
            self.fail(f"{value!r} is no number of tokens; write 4096 or 32k.", param, ctx)


def stacked(*options: Command) -> Callable[[Command], Command]:
    """Apply several click options, the first on top."""

    def decorate(function: Command) -> Command:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


model_options = stacked(
    click.option("-m", "--model", default="", metavar="NAME|FILE", help="A model's name, or a GGUF file."),
    click.option("--ctx", "n_ctx", type=Tokens(), help="Context in tokens, such as 8192 or 32k."),
    click.option("--threads", type=click.IntRange(1, 1024), help="Threads; default: physical cores."),
    click.option(
        "--kv",
        type=click.Choice(["f16", "bf16", "q8_0", "q4_0"]),
        default="f16",
        help="Type of the KV cache.",
    ),
    click.option("--server", default="", metavar="URL", help="Use a running server instead."),
    click.option(
        "--llama-server",
        default="",
        envvar="PONDER_LLAMA_SERVER",
        metavar="PATH",
        help="Use this llama-server.",
    ),
)

sampling_options = stacked(
    click.option("--temperature", type=click.FloatRange(0, 5), help="0 is greedy."),
    click.option("--top-p", type=click.FloatRange(0, 1)),
    click.option("--top-k", type=click.IntRange(0), help="0 switches it off."),
    click.option("--min-p", type=click.FloatRange(0, 1)),
    click.option("--seed", type=click.IntRange(0, 2**31 - 1)),
    click.option("--max-tokens", type=click.IntRange(1), help="Most tokens of reasoning and answer."),
)

think_options = stacked(
    click.option("--budget", type=click.IntRange(0), metavar="N", help="Most reasoning tokens."),
    click.option("--think/--no-think", default=None, help="Reason, or answer at once."),
    click.option("--system", default="", help="System message; R1 wants none."),
)


def options_of(values: dict[str, Any], n_parallel: int = 1) -> Options:
    """The engine's options out of a command's parameters, for so many conversations at once."""
    if values["server"] and values["llama_server"]:
        raise InputError("--server and --llama-server exclude each other: give one of them.")
    return Options(
        n_ctx=values["n_ctx"],
        threads=values["threads"] or 0,
        kv_type=values["kv"],
        server=values["server"],
        api_key=os.environ.get("PONDER_API_KEY", ""),
        llama_server=values["llama_server"],
        n_parallel=n_parallel,
    )


def sampling_of(values: dict[str, Any]) -> Sampling:
    """The sampling out of a command's parameters."""
    return Sampling(
        **{name: values[name] for name in ("temperature", "top_p", "top_k", "min_p", "seed", "max_tokens")}
    )


def think_of(values: dict[str, Any]) -> Think:
    """--think, --no-think, or neither."""
    return "auto" if values["think"] is None else "on" if values["think"] else "off"
