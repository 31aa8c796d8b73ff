"""Judge appeals: what a CRM proves of disputed records, and until when an appeal may be filed (docs/product.md §13)."""
