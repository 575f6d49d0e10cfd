"""How the platform is: gathered from the supervisor, /proc, Redis and SQL, and said to people and programs."""
