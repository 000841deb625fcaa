"""What the review lets people take away: exports of films, and clips."""
