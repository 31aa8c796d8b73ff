"""Telegram's wire and conventions: session, limits, menus, buttons, splitting."""
