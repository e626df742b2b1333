"""The job page, of one process and of a cluster: what runs, who asked, on which workers, and the button that stops it.

In headless Chromium where one is installed (Debian: `apt-get install chromium`); the served HTML is looked at everywhere.
"""

from __future__ import annotations

import re
import threading
import time
import urllib.error
import urllib.request
from typing import Iterator

import pytest
from pyspark.errors import PySparkException

from browser import CHROMIUM, Browser
from cluster import Cluster
from conftest import CLUSTER, REMOTE, end_session, new_session
from server import Server

pytestmark = pytest.mark.skipif(bool(REMOTE or CLUSTER), reason="starts servers of its own")

#: Never ends by itself; its text would be a script, and holds a secret.
ENDLESS = """select /* <script>document.title='CAUGHT'</script> password='hunter2' */ sum(a.id * b.id)
from range(30000000) a cross join range(300000) b"""


@pytest.fixture(scope="module", params=["one process", "cluster"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with Server(threads=1) if request.param == "one process" else Cluster(1, 1, threads=1, memory="3GiB") as s:
        yield s


def get(server: Server, path: str = "/") -> str:
    with urllib.request.urlopen(f"http://{server.http}{path}", timeout=10) as answer:
        return answer.read().decode()


class Endless(threading.Thread):
    """A query that ends only when it is stopped."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self.session, self.error = new_session(server.url), None
        self.start()

    def run(self) -> None:
        try:
            self.session.sql(ENDLESS).collect()
        except BaseException as e:  # noqa: BLE001  the test looks at it
            self.error = e

    def stopped(self) -> None:
        self.join(30)
        assert not self.is_alive(), "the client waits for ever"
        assert isinstance(self.error, PySparkException), self.error
        assert "stopped from the page" in str(self.error)
        end_session(self.session)


def running(server: Server) -> str:
    """The path of the job that runs, once its task does."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = re.search(r'action="(/job/[^"]+)/kill"', get(server))
        if found and re.search(r'id="stages">.*?<td>0<td>1<td>0<td>1<td>', get(server, found[1]), re.S):
            return found[1]
        time.sleep(0.05)
    raise AssertionError("no job runs:\n" + get(server))


def test_html(server: Server) -> None:
    query = Endless(server)
    job = running(server)
    page = get(server)
    assert "select /* &lt;script&gt;" in page and "<script" not in page
    assert "hunter2" not in page + get(server, job) and "redacted" in page
    assert 'class="running">running' in page
    assert re.search(r'id="workers">.*<td>up<td>1<td>', page, re.S), "a worker runs its task"
    refused = urllib.request.Request(f"http://{server.http}{job}/kill", method="POST", headers={"Sec-Fetch-Site": "cross-site"})
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(refused, timeout=10)
    assert error.value.code == 403, "no other site's page may stop a job"
    assert query.is_alive()
    urllib.request.urlopen(urllib.request.Request(f"http://{server.http}{job}/kill", method="POST"), timeout=10)
    query.stopped()
    assert "stopped from the page" in get(server, job), "why it failed"
    with pytest.raises(urllib.error.HTTPError):
        get(server, "/job/unknown")


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed")
def test_browser(server: Server) -> None:
    query = Endless(server)
    running(server)
    with Browser() as b:
        b.open(f"http://{server.http}/")
        assert b.run("document.title") == "Spurwheel", "the job's text ran as a script"
        row = "[...document.querySelectorAll('#jobs tr')].find(r => r.querySelector('button'))"
        assert "<script>" in str(b.run(row + ".innerText")), "it is text"
        assert b.run("getComputedStyle(document.querySelector('#jobs')).borderCollapse") == "collapse", "the style sheet is there"
        b.run(row + ".querySelector('a').click()")
        b.until("location.pathname.startsWith('/job/') && document.querySelector('#stages td')")
        assert b.run("[...document.querySelectorAll('#stages tr')][1].innerText.split('\\t').slice(1, 4).join()") == "1,0,1"
        b.run("document.querySelector('button').click()")
        b.until("location.pathname == '/' && document.querySelector('#jobs')")
        query.stopped()
        b.open(f"http://{server.http}/")
        b.until("!document.querySelector('#jobs button')")
        assert b.run("document.querySelector('#jobs td.failed').innerText") == "failed"
