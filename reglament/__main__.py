"""Start the command line for `python -m reglament`."""

from reglament.cli import main

main()
