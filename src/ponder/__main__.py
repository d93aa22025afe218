"""`python -m ponder` is the command `ponder`."""

from ponder.cli.main import main

main()
