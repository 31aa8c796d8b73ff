"""Draw the leaderboard and the trend (docs/product.md §8)."""
