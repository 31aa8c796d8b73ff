"""Show what people read when they join, come back, or are heard of by the admin."""
