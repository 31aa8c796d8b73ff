"""Parts that several CRM clients use: HTTP, pacing, decoding, streams, memory."""
