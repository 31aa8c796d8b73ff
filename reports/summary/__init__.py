"""Sum up weeks and months (docs/product.md §8)."""
