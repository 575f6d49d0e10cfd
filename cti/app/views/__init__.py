"""Read models: what happened and what is, as people and programs are shown it. Nothing here changes anything."""
