"""Define the commands for whoever keeps the installation: `backup`, `restore`, `secret rotate`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from reglament.commands.options import ConfigOption
from reglament.commands.terminal import console, load_settings

# ruff: noqa: PLC0415  # each command imports the work inside the function, as in cli.py


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; an older backup there is replaced whole.")],
    config: ConfigOption = None,
) -> None:
    """Write the whole database into one file, also while the service works."""
    from reglament.commands.backup import backup as work

    asyncio.run(work(load_settings(config), file))
    console.print(str(file), highlight=False, markup=False)


def restore(
    file: Annotated[Path, typer.Argument(help="A backup of this kind of database.")],
    config: ConfigOption = None,
    tell: Annotated[
        bool, typer.Option("--tell", help="Tell people again of the days that the next start catches up.")
    ] = False,
) -> None:
    """Put a backup in the place of the database while no service runs; the replaced database is kept."""
    from reglament.commands import restore as work

    work.print_restored(console, asyncio.run(work.restore(load_settings(config), file, tell=tell)))


secret_app = typer.Typer(help="The key that encrypts what CRM clients must remember.", no_args_is_help=True)


@secret_app.callback()
def secret() -> None:
    """Renew the key that encrypts what CRM clients must remember."""


@secret_app.command("rotate")
def rotate(
    config: ConfigOption = None,
    old_key_file: Annotated[Path | None, typer.Option(help="A file that holds the old key.")] = None,
    old_key: Annotated[
        str | None,
        typer.Option(envvar="REGLAMENT_OLD_SECRET_KEY", help="The old key; better from the environment or a file."),
    ] = None,
) -> None:
    """Encrypt stored tokens with the key of the settings instead of the old key; all or nothing."""
    from reglament.commands import secret as work

    count = asyncio.run(work.rotate_key(load_settings(config), work.read_old_key(old_key, old_key_file)))
    console.print(f"{count} stored values are under the new key", highlight=False)
