"""Telegram: who may see what, what it reads like, and how it is sent."""
