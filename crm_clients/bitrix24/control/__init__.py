"""Prove that the lists of a read are whole, and that the webhook sees all: Bitrix24 hides rows without an error."""
