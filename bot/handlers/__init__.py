"""Answer messages and taps, one file a group of commands."""
