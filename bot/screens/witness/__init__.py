"""Show digests under messages, and answer taps on them."""
