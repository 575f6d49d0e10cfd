"""The models of a city's configuration: what each file may hold."""
