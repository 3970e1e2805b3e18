"""What is looked at: curves, maps, units, embeddings, trees, tables, guesses, one text's trace, the panel."""
