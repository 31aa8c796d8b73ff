"""Show screens: the data of a message, `load_…` and `…_view`, one file a screen."""
