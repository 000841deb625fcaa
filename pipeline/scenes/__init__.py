"""Where one shot ends and the next begins, and which shots are one scene."""
