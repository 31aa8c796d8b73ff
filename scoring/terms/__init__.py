"""Describe the terms on which people are judged: schedules, shares, half days, first days, launch."""
