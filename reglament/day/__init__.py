"""Run the business day: due times, rosters, reading, settling, notifications."""
