"""Every query there is, one module per noun."""
