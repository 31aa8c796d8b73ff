"""Show points by hand: pardons, adjustments, corrections."""
