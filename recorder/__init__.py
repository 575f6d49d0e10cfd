"""Recordings and transcripts: sealing, speech engines, the transcription queue."""
