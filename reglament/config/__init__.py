"""The settings of an installation and what follows from them."""
