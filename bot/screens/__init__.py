"""Screens: the data of a message, loading and wording, one file a screen."""
