"""Keep deliveries, the notices in deliveries, and the slots of Telegram's limits."""
