"""The made-up company's client."""
