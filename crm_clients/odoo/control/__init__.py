"""Tell what a read of Odoo leaves out."""
