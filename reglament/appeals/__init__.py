"""Handle appeals: filing with a re-check first, decisions, reminders and terms (docs/product.md §13, §19)."""
