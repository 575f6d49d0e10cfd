"""A city's configuration: its schema, how it is loaded and checked, and the number directory."""
