"""Keep Telegram's limits for all messages of all processes."""
