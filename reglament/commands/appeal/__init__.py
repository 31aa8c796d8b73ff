"""Run the commands `reglament appeal …`."""
