"""What all our web pages share: the server and its guard, the frame of a page, colours and styles.

Knows nothing of movies; :mod:`jobs.review` and the live page stand on it, and reports take their styles from it.
"""
