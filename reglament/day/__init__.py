"""The way of a business day: what is due, who is counted, reading, settling, announcing."""
