"""Show appeals: how a manager disagrees, the card that a head decides, the queue, the counts by rule."""
