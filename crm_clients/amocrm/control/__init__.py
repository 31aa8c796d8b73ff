"""Prove that the lists of a read are whole, by rows that are known otherwise."""
