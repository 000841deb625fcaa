"""Reports to hand on: ``report.html`` beside each movie's tables, and ``index.html`` over all of a folder."""
