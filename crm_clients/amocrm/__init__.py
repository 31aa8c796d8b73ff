"""Read amoCRM and Kommo."""
