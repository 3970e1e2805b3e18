"""What the lab needs and no lesson shows: files, saving, feeding, micro-batches, Ctrl-C, wrong arguments."""
