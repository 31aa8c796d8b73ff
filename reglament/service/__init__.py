"""The long-running service: engines, scheduler, webhook, metrics."""
