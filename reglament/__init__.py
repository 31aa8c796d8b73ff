"""The process: settings, the day's run, the clock, the engine, the command line."""

__version__ = "0.1.0"
