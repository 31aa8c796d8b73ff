"""One file per CRM, all alike: each states facts, none counts or judges."""
