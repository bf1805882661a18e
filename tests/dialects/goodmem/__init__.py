"""GoodMem's API as its clients meet it, over HTTP."""
