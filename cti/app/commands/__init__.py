"""One module for each group of `yht` commands; each exports a typer application named `app`."""
