"""`ponder serve`: the model for other programs, and the pages, over HTTP."""

import os
from importlib import import_module
from typing import Any

import click

from ponder.cli.options import model_options, options_of, stacked
from ponder.errors import InputError

serve_options = stacked(
    model_options,
    click.option("--port", type=click.IntRange(0, 65535), default=None, help="0 takes any free one."),
    click.option(
        "--listen", "host", default="127.0.0.1", metavar="ADDRESS", help="Open it to other machines."
    ),
    click.option(
        "--slots", type=click.IntRange(1, 64), help="Conversations at once; default: what fits, up to 4."
    ),
    click.option("--waiting", type=click.IntRange(0, 10_000), default=64, help="Most requests that wait."),
    click.option(
        "--host-name", "hosts", multiple=True, metavar="NAME", help="A name this server is called by."
    ),
    click.option(
        "--allow-origin",
        "origins",
        multiple=True,
        metavar="URL",
        help="Let pages of another server use the API.",
    ),
    click.option("--no-token", is_flag=True, help="Ask for no token; only for this machine."),
    click.option(
        "--logprobs", is_flag=True, help="Keep log-probabilities also where a client did not ask; slower."
    ),
    click.option("--no-keep", is_flag=True, help="Keep no traces of what is asked over HTTP."),
)


@click.command()
@serve_options
def command(**values: Any) -> None:
    """Serve a model on this machine: OpenAI's, Ollama's and Anthropic's APIs, ponder's own, and the pages.

    PONDER_TOKEN sets the token; without it a new one is made at each start.
    """
    run(values, browse=False)


def run(values: dict[str, Any], *, browse: bool) -> None:
    """Serve until Ctrl-C; with `browse`, a browser is opened on the pages."""
    listen = import_module("ponder.serve.listen")
    settings_module = import_module("ponder.serve.settings")
    given = os.environ.get("PONDER_TOKEN", "")
    if values["no_token"] and given:
        raise InputError("--no-token and PONDER_TOKEN exclude each other: leave one out.")
    settings = settings_module.Settings(
        model=values["model"],
        options=options_of(values),
        host=values["host"],
        port=settings_module.PORT if values["port"] is None else values["port"],
        token="" if values["no_token"] else listen.token_for(given),
        hosts=values["hosts"],
        origins=values["origins"],
        slots=values["slots"] or 0,
        waiting=values["waiting"],
        keep=not values["no_keep"],
        logprobs=values["logprobs"],
    )

    def ready(service: Any) -> None:
        _tell(service, shown=not given)
        if browse:
            code = service.keys.new_code() if service.settings.token else ""
            address = service.settings.url + (f"/enter#{code}" if code else "/")
            if not import_module("webbrowser").open(address):
                click.echo(f"Open {address} in a browser (once, within five minutes).")

    listen.listen(settings, ready)


def _tell(service: Any, *, shown: bool) -> None:
    settings = service.settings
    click.echo(f"ponder listens on {click.style(settings.url, bold=True)}  (OpenAI: {settings.url}/v1)")
    if settings.token and shown:
        click.echo(f"Token, also the clients' API key: {click.style(settings.token, bold=True)}")
    elif settings.token:
        click.echo("The token is that of PONDER_TOKEN.")
    else:
        click.echo("No token is asked for: every program on this machine can use it.")
    if not settings.loopback:
        click.echo(
            click.style("Open to other machines: ", fg="yellow")
            + f"whoever reaches {settings.host} and has the token can ask, read, change and delete your "
            "traces; what they send is not encrypted."
        )
