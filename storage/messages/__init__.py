"""Messages that must arrive, and the slots of Telegram's limits."""
