"""Answer `/adjust`, `/pardon`, `/correct` and their buttons."""
