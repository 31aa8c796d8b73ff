"""Load the settings of an installation: teams, rules, calendar, logs."""
