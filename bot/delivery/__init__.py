"""Deliver messages that come by themselves: render, send, note the outcome."""
