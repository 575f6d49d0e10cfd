"""Who is served next, and by whom: agents, queues, matching, offers, transfers."""
