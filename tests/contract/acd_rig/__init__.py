"""A hall to play with: Asterisk's part of it without Asterisk, engines as processes, a Redis that can be killed."""
