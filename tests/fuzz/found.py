"""What the fuzzer has found and is not so any more."""

from tests.fuzz.wire import Wire

FOUND = {
    "a trailer that frames a message": Wire(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n0\r\ntransfer-encoding: nk=d\r\n\r\n"
    ),
    "a version that is not spoken": Wire(b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n"),
    "chunked twice": Wire(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n0\r\n\r\n"
    ),
}
