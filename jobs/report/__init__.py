"""Reports to pass on: ``report.html`` beside each movie's tables, and ``index.html`` for the whole folder."""
