"""Summaries of a week or a month."""
