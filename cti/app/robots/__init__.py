"""Robots on a running platform: where they live, how their agents are signed in, and the call of `yht demo`."""
