"""Start the command line; `health` answers from the state of the running service before anything is imported."""

import sys

from reglament.service import state_file


def main() -> None:
    """Run the command of the arguments."""
    if sys.argv[1:2] == ["health"]:
        code = state_file.answer(sys.argv[2:])
        if code is not None:
            sys.exit(code)
    from reglament.cli import main as run_command

    run_command()


if __name__ == "__main__":
    main()
