"""How a result is shown: one file per format. Each returns text and decides nothing."""
