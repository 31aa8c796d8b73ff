"""Share the parts of CRM clients: HTTP, pacing, decoding, streams of facts."""
