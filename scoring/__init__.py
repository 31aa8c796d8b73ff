"""What a day is worth: pure functions over frozen values, standard library and msgspec only."""
