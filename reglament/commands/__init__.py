"""The commands of `reglament`, one file a group."""
