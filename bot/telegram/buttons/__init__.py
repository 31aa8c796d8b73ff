"""Describe the data of buttons, a file a dialog; the rules of `bot.telegram.callbacks` hold."""
