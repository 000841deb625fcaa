"""What all our web pages share: the server and its guard, the frame of a page, colours, styles, bars of shares.

:mod:`jobs.review` and :mod:`jobs.live` serve their pages with it; reports take their styles and macros from it.
"""
