"""Keep appeals: a manager's objections to broken rules, re-checked and decided (docs/product.md §13)."""
