"""The terminal's front door: commands loaded when they are called, one sentence for every error.

Before anything else is imported, a command that will need the embedded engine gets its process started:
it loads the native library while we read the command line and the model's header.
"""

import os
import sys
from importlib import import_module

from ponder.cli.ahead import start_ahead

start_ahead(sys.argv[1:])

import click  # noqa: E402 - the engine's process comes first

from ponder.errors import PonderError  # noqa: E402

COMMANDS = {
    "ask": "Ask a question and watch the reasoning, then the answer.",
    "chat": "Ask several questions in one conversation.",
    "fork": "Correct a step, and go on from there as a new branch.",
    "replay": "Run a trace again: the same seeds, the same tokens?",
    "resume": "Go on with an answer that was interrupted.",
    "fit": "What runs here, how fast, and which one to take.",
    "models": "List the models there are, and those on this machine.",
    "pull": "Download a model.",
    "rm": "Delete a downloaded model.",
    "traces": "List and search what was asked before.",
    "show": "Show a trace: its steps, and where its tokens and seconds went.",
    "check": "Check a trace: its claims, and the first step that is wrong.",
    "tree": "Show all branches of a trace, their answers and what they cost.",
    "diff": "Compare two traces step by step, from where they part.",
    "import": "Keep reasoning that was written elsewhere, to look at and check it.",
    "eval": "How good a model is on a task, with intervals, and what that costs.",
    "distill": "Teach a small model a large one's reasoning, by a recipe.",
    "audit": "How often the verifier of an evaluation is wrong.",
    "export": "Write a trace as Markdown, JSON, JSONL or HTML.",
    "serve": "Serve the model over HTTP: OpenAI's, Ollama's and Anthropic's APIs, and pages.",
    "ui": "The pages, in your browser.",
}
"""Name → what it does. The texts stand here so that --help need not load the commands."""

MODULES = {"import": "importing"}
"""Commands whose name no module can have."""


class Commands(click.Group):
    """A group whose commands live in one module each, loaded on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of COMMANDS."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"ponder.cli.{MODULES.get(cmd_name, cmd_name)}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As usual, but an unknown command gets the nearest known ones."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = import_module("difflib").get_close_matches(args[0], COMMANDS, n=2)
            hint = " or ".join(f"`ponder {name}`" for name in near) or "`ponder --help`"
            raise click.UsageError(f"there is no command {args[0]!r}; try {hint}.", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from COMMANDS."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ponder", prog_name="ponder")
def group() -> None:
    """Run reasoning models on your own hardware, and watch them think."""


def main() -> None:
    """Run the command line; the only place where errors become words and exit codes."""
    try:
        code = group.main(prog_name="ponder", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except PonderError as error:
        _say(error)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _say(error.format_message())
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if os.environ.get("PONDER_DEBUG"):
            raise
        _say(f"internal error: {error!r}. Please report it; PONDER_DEBUG=1 shows where it is.")
        sys.exit(1)


def _say(what: object) -> None:
    text = str(what).rstrip()
    text = text if text.endswith((".", "?", "!", "`")) else text + "."
    click.echo(click.style("ponder: ", fg="red", bold=True, reset=True) + text, err=True)
