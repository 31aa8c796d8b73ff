"""The Odoo client."""
