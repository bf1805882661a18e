"""Where the registry lies: SQL behind the ports, one repository module per noun."""
