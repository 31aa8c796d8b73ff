"""Show the rules of a team, and all that decides a point."""
