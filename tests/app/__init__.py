"""How the parts are joined: logs, the front of the server, the parent process."""
