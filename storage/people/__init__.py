"""People, teams, chats, invites, absences, and who did what."""
