"""Keep people, teams, chats, invites, absences and the audit log."""
