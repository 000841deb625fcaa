"""Reports: what is in them, that no data escape into the page, and what is said when there is nothing."""
