"""Write a database into one file, and put a backup in the place of a database."""
