"""Write a team's period as XLSX and as CSV (docs/product.md §7)."""
