"""Who may do what: roles, conditional grants, decisions and their reasons."""
