"""Speech engines behind one interface, each in a process of its own."""
