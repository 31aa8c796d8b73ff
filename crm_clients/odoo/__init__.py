"""Read Odoo's CRM."""
