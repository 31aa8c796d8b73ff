"""Back a database up into one file, and put a backup in the place of a database."""
