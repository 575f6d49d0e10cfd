"""Set-up from nothing: system packages, the environment, Asterisk, a speech model, music and prompts.

It runs before anything is installed, so it uses the standard library only and imports no package of ours but
`recorder.speech.models`, which keeps to the same rule.
"""
