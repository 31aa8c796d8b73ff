"""Record, list, cancel and import absences for `reglament absence`."""
