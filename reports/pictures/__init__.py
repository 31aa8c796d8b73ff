"""Pictures: leaderboard and trend."""
