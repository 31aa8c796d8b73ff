"""Talk to people on Telegram: rights, texts, screens, delivery."""
