"""Keep the conventions of Telegram: session, limits, menus, buttons, long texts."""
