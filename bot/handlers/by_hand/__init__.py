"""Answer `/adjust`, `/pardon` and the buttons of points by hand."""
