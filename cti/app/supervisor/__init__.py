"""`yht up`: starts the processes of one home in order, keeps them running, and stops them without a trace."""
