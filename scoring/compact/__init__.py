"""Compact memory of counted records behind `EvidenceStore`."""
