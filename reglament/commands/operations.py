"""Define the commands for whoever keeps the installation: `secret rotate`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from reglament.commands.options import ConfigOption
from reglament.commands.terminal import console, load_settings

# ruff: noqa: PLC0415  # each command imports the work inside the function, as in cli.py

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
