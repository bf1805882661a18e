"""Our side of callers' connections: HTTP/1.1 in, ASGI inwards.

`request` is one request and its answer; `framing` says how an answer's bytes are told apart;
`connection` carries requests one after another and knows every deadline that a caller has;
`outlet` is what waits for it to be taken;
`server` accepts connections, looks after their deadlines and drains them.
"""
