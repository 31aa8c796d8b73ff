"""The period's workbook and CSV twin."""
