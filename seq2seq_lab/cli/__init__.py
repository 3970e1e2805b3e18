"""The command line: how it is read, a function for each command, how it ends; and the benchmark."""
