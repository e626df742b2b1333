"""Headless Chromium over its own protocol on a pipe: no driver, no port, no package beside the browser.

Knows pages and nothing of Spurwheel.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

#: Where the browser is, or None.
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

#: How long one command, or one wait, may take.
SECONDS = 30


class Browser:
    """One browser with one page. Use as a context manager."""

    def __init__(self) -> None:
        assert CHROMIUM, "no Chromium is installed"
        self._profile = tempfile.mkdtemp(prefix="chromium-")
        to_read, self._to = os.pipe()
        self._from, from_write = os.pipe()
        self._process = subprocess.Popen(
            # The browser reads commands at 3 and writes answers at 4.
            ["bash", "-c", f'exec 3<&{to_read} 4>&{from_write}; exec "$@"', "-", CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-pipe", f"--user-data-dir={self._profile}", "about:blank"],
            pass_fds=(to_read, from_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )
        os.close(to_read)
        os.close(from_write)
        os.set_blocking(self._from, False)
        self._left, self._sent, self._page = b"", 0, ""
        page = next(t for t in self._call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self._page = self._call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]

    def _call(self, method: str, **params: object) -> dict:
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": params} | ({"sessionId": self._page} if self._page else {})
        os.write(self._to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + SECONDS
        while True:
            answer = self._receive(deadline)
            if answer.get("id") == self._sent:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def _receive(self, deadline: float) -> dict:
        while b"\0" not in self._left:
            assert time.monotonic() < deadline, "the browser does not answer"
            try:
                more = os.read(self._from, 1 << 16)
            except BlockingIOError:
                time.sleep(0.01)
                continue
            assert more, "the browser ended"
            self._left += more
        one, _, self._left = self._left.partition(b"\0")
        return json.loads(one)

    def open(self, url: str) -> None:
        """Goes to a page and waits until it is there."""
        self._call("Page.navigate", url=url)
        self.until(f"document.readyState == 'complete' && location.href.startsWith({json.dumps(url)})")

    def run(self, script: str) -> object:
        """The value of an expression in the page."""
        result = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def until(self, script: str) -> None:
        """Waits until an expression is true; a page that is on its way has no value."""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                if self.run(f"!!({script})"):
                    return
            except AssertionError:
                pass
            assert time.monotonic() < deadline, f"never true: {script}\n{self.run('document.body.innerText')}"
            time.sleep(0.05)

    def close(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        os.close(self._to)
        os.close(self._from)
        shutil.rmtree(self._profile, ignore_errors=True)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
