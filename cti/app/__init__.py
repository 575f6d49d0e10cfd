"""The composition root: the `yht` command line and the main functions of the processes."""
