"""Who may do what: one table, and the checks that read it."""
