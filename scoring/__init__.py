"""Score a manager's day: pure functions over frozen values, standard library and msgspec only."""
