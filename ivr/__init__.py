"""The FastAGI server and what a call hears: flows, prompts, the number directory's answer."""
