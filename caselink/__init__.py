"""Cases, and what links them to calls, recordings and transcripts."""
