"""What a port promises, held on its fake and on every real adapter."""
