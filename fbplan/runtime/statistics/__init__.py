"""What the statistics say of the use of a cap, or why they cannot be believed. Pure: whoever asks brings the answers."""
