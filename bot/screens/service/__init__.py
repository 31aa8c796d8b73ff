"""Show how the service is: `/health`, and short notices to heads and admins about troubles."""
