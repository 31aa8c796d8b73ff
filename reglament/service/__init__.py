"""Run the long-lived service: engine, scheduler, bot, webhook, metrics."""
