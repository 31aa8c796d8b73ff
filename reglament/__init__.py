"""Run the process: settings, the business day, the engine, the command line."""

__version__ = "0.1.0"
