"""The Bitrix24 client."""
