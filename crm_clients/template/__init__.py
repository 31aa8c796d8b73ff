"""Read the Template CRM: an example over HTTP, to be copied for a new CRM (CONTRIBUTING.md, "Add a CRM")."""
