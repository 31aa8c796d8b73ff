"""Show what a group reads beside the board (docs/product.md §8, Groups)."""
