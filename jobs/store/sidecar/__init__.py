"""``review.json``, which people write beside results: labels and corrections."""
