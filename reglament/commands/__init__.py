"""Do the work of each command: opened settings in, a value or printed lines out."""
