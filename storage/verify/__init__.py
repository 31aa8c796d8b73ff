"""Verify what is stored: both chains, the days, and every row that moves money or blame (docs/product.md §6)."""
