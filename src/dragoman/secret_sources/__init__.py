"""Where the operator's secrets come from: environment, files, a secret store, Google."""
