"""Pardon, adjust and correct for `reglament pardon|adjust|correct`."""
