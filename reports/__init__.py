"""Make documents of ledger rows: weeks and months, the workbook, pictures. Takes plain values, no sessions."""
