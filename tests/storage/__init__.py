"""The registry on disk: the schema, the transactions, and a disk that is against us."""
