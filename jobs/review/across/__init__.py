"""Pages over several films: moments of all of them, and two to six side by side."""
