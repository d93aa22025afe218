"""Something that goes on, looked at by several: they are woken when it changes, and read for themselves."""

import asyncio


class Watchers:
    """Who looks at one thing. Made in the event loop, whose everything but `wake` belongs to."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._watchers: set[asyncio.Event] = set()
        self._woken = False

    def watch(self) -> asyncio.Event:
        """An event that is set whenever something is new; give it back to `unwatch`."""
        watcher = asyncio.Event()
        self._watchers.add(watcher)
        return watcher

    def unwatch(self, watcher: asyncio.Event) -> None:
        """Forget a watcher."""
        self._watchers.discard(watcher)

    async def changed(self, watcher: asyncio.Event, timeout_s: float) -> bool:
        """Wait until something is new, at most `timeout_s`; False if nothing was."""
        try:
            async with asyncio.timeout(timeout_s):
                await watcher.wait()
        except TimeoutError:
            return False
        return True

    def wake(self) -> None:
        """Something is new; may be called from any thread."""
        if not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self.wake_all)

    def wake_all(self) -> None:
        """Something is new, told in the event loop."""
        self._woken = False
        for watcher in self._watchers:
            watcher.set()
