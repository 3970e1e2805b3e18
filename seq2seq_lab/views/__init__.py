"""What is looked at: curves, maps, trees, tables, the trace of one text, and the panel that draws it."""
