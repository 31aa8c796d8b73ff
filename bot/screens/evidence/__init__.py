"""Show the evidence of a day: what to mend, shortened or page by page."""
