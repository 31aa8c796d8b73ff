"""The amoCRM and Kommo client."""
