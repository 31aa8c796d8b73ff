"""Ledger rows in, documents out: the week and the month, the workbook, the pictures. Plain values, no sessions."""
