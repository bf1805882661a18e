"""Where the parts are joined: the only place that knows all of them."""
