"""An asynchronous context manager in a thread of its own, for tests that are not asynchronous."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

T = TypeVar("T")

DEADLINE_S = 10.0


@contextmanager
def in_background(manager: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Enter the manager on another thread's event loop; leave it there at the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        entering = asyncio.run_coroutine_threadsafe(manager.__aenter__(), loop)
        value = entering.result(DEADLINE_S)
        try:
            yield value
        finally:
            leaving = asyncio.run_coroutine_threadsafe(manager.__aexit__(None, None, None), loop)
            leaving.result(DEADLINE_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
