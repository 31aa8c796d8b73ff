"""Read Bitrix24."""
