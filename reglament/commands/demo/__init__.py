"""Let a made-up company live through a month of real cutoff runs, with the clock set (`reglament demo`)."""
