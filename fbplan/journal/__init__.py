"""The write-ahead record of an apply, and how the next one picks up what it left."""
