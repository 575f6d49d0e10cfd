"""Voices that speak the prompts: a name each, a process of their own, nothing of them in any running call."""
