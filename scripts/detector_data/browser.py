"""A headless Chromium driven over its debugging pipe: load a page, ask it about its boxes, take its picture."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from types import TracebackType

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--allow-file-access-from-files",
    "--hide-scrollbars=false",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
_REPLY_TIMEOUT_S = 30.0


class Browser:
    """One page of one Chromium. Use as a context manager."""

    def __init__(self, *flags: str) -> None:
        binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if binary is None:
            raise RuntimeError("no Chromium found; install it with: apt-get install --no-install-recommends chromium")
        self._profile = tempfile.mkdtemp(prefix="edgeagent-render-")
        to_child, self._write_fd = os.pipe()
        self._read_fd, from_child = os.pipe()
        command = [binary, *_FLAGS, *flags, f"--user-data-dir={self._profile}", "about:blank"]
        shell = f'exec "$@" 3<&{to_child} 4>&{from_child}'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "chromium", *command],  # a plain sh takes descriptors up to 9 only
            pass_fds=(to_child, from_child),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_child)
        os.close(from_child)
        self._buffer = b""
        self._next_id = 0
        self._session = ""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = str(self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        self.call("Page.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the browser and remove its profile."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._write_fd)
        os.close(self._read_fd)
        shutil.rmtree(self._profile, ignore_errors=True)

    def call(self, method: str, **params: object) -> dict[str, object]:
        """One command of the protocol and its result."""
        self._next_id += 1
        message: dict[str, object] = {"id": self._next_id, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write_fd, json.dumps(message).encode() + b"\0")
        while True:
            reply = self._read()
            if reply.get("id") == self._next_id:
                if "error" in reply:
                    raise RuntimeError(f"Chromium refused {method}: {reply['error']}")
                result: dict[str, object] = reply["result"]  # pyright: ignore[reportAssignmentType]
                return result

    def evaluate(self, expression: str) -> object:
        """The value of a JavaScript expression; promises are awaited."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"JavaScript failed: {json.dumps(result['exceptionDetails'])[:600]}")
        value: dict[str, object] = result["result"]  # pyright: ignore[reportAssignmentType]
        return value.get("value")

    def size(self, width_css: int, height_css: int, scale: float) -> None:
        """Set the page's size in CSS pixels and how many device pixels one of them is."""
        self.call("Emulation.setDeviceMetricsOverride", width=width_css, height=height_css, deviceScaleFactor=scale, mobile=False)

    def show(self, html: str) -> None:
        """Replace the document and wait until it is painted."""
        frames: dict[str, dict[str, object]] = self.call("Page.getFrameTree")["frameTree"]  # pyright: ignore[reportAssignmentType]
        self.call("Page.setDocumentContent", frameId=frames["frame"]["id"], html=html)
        self.painted()

    def open(self, url: str, ready: str = "document.readyState == 'complete'") -> None:
        """Load ``url`` and wait until ``ready`` is true."""
        self.call("Page.navigate", url=url)
        end = time.monotonic() + _REPLY_TIMEOUT_S
        while time.monotonic() < end:
            if self.evaluate(f"!!({ready})"):
                return
            time.sleep(0.01)
        raise RuntimeError(f"{url} was not ready within {_REPLY_TIMEOUT_S:.0f} s ({ready})")

    def painted(self) -> None:
        """Wait for two animation frames."""
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def picture(self) -> bytes:
        """The visible page as PNG."""
        shot = self.call("Page.captureScreenshot", format="png", optimizeForSpeed=True)
        return base64.b64decode(str(shot["data"]))

    def _read(self) -> dict[str, object]:
        while b"\0" not in self._buffer:
            if not select.select([self._read_fd], [], [], _REPLY_TIMEOUT_S)[0]:
                raise RuntimeError(f"Chromium did not answer within {_REPLY_TIMEOUT_S:.0f} s")
            chunk = os.read(self._read_fd, 1 << 20)
            if not chunk:
                raise RuntimeError("Chromium ended")
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)
