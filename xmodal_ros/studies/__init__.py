"""Studies: many training runs, compared with each other by one command."""
