"""Play a CRM: a made-up company."""
