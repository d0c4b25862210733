# SPDX-License-Identifier: Apache-2.0
"""Segment's HTTP API as strangers use and misuse it."""
import concurrent.futures
import gzip
import json
import shutil
import subprocess
import time
import zlib

import pytest

from web_stand_in import KEY, basic, event, start, web  # noqa: F401

KINDS = {
    "track": {"event": "e"}, "identify": {"traits": {"email": "a@acme.example"}}, "group": {"groupId": "acme"},
    "page": {"name": "Pricing"}, "screen": {"name": "Home"}, "alias": {"previousId": "anon"},
}


# ---- what is taken ----

@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("kind", KINDS)
def test_single_calls(web, kind, slash):
    answer = web.post(f"/v1/{kind}{slash}", {"userId": "u1", "messageId": "m1", **KINDS[kind]})
    assert answer.status == 200
    assert answer.json["success"] is True
    assert answer.headers["content-type"] == "application/json"
    [record] = web.records()
    assert record["source"] == "app"
    assert record["record"]["type"] == kind


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/batch/", "/v1/import", "/v1/b", "/v1/batch?x=1"])
def test_batches(web, path):
    answer = web.post(path, {"batch": [event(i) for i in range(100)]})
    assert answer.status == 200
    assert answer.json["success"] is True
    assert answer.json["accepted"] == 100
    assert len(web.records()) == 100


@pytest.mark.parametrize("path,kind", [("/v1/t", "track"), ("/v1/i", "identify"), ("/v1/p/", "page")])
def test_short_paths(web, path, kind):
    assert web.post(path, {"userId": "u1", **KINDS[kind]}).status == 200
    assert web.records()[0]["record"]["type"] == kind


def test_empty_batch(web):
    answer = web.post("/v1/batch", {"batch": []})
    assert (answer.status, answer.json["success"], answer.json["accepted"]) == (200, True, 0)


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain;charset=UTF-8"},
                                     {"Content-Type": "application/json; charset=latin-1"}, {"Content-Type": "x"}])
def test_content_type_is_ignored(web, headers):
    assert web.post("/v1/track", event(), {**basic(), **headers}).status == 200


@pytest.mark.parametrize("encoding", [None, "gzip", "identity", "br"])
@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_compressed_whatever_the_header_says(web, encoding, pack):
    headers = {**basic(), **({"Content-Encoding": encoding} if encoding else {})}
    assert web.post("/v1/batch", pack(json.dumps({"batch": [event()]}).encode()), headers).status == 200
    assert len(web.records()) == 1


def test_said_to_be_gzip_but_plain(web):
    assert web.post("/v1/track", event(), {**basic(), "Content-Encoding": "gzip"}).status == 200


def test_chunked(web):
    conn = web.connect()
    body = json.dumps(event()).encode()
    head = f"POST /v1/track HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nAuthorization: {basic()['Authorization']}\r\n\r\n"
    conn.send(head.encode())
    for i in range(0, len(body), 50):
        piece = body[i:i + 50]
        conn.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    conn.send(b"0\r\n\r\n")
    assert conn.answer().status == 200


def test_expect_continue(web):
    conn = web.connect()
    body = json.dumps(event()).encode()
    conn.send(f"POST /v1/track HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n"
              f"Authorization: {basic()['Authorization']}\r\n\r\n".encode())
    assert conn.answer().status == 100
    conn.send(body)
    assert conn.answer().status == 200


# ---- who may ----

@pytest.mark.parametrize("headers,body,status", [
    (basic(), {}, 200),
    (basic("wk_testkey_2"), {}, 200),
    ({}, {"writeKey": KEY}, 200),
    (basic(""), {"writeKey": KEY}, 200),
    ({}, {}, 401),
    (basic("wk_wrong_key"), {}, 401),
    (basic("wk_wrong_key"), {"writeKey": KEY}, 401),
    ({}, {"writeKey": "wk_wrong_key"}, 401),
    ({}, {"writeKey": 17}, 400),
    ({"Authorization": "Bearer " + KEY}, {}, 401),
    ({"Authorization": "Basic !!!"}, {}, 401),
])
def test_keys(web, headers, body, status):
    answer = web.post("/v1/batch", {"batch": [event()], **body}, headers)
    assert answer.status in ((status, 401) if status == 400 else (status,))
    assert len(web.records()) == (1 if status == 200 else 0)
    if answer.status == 401:
        assert "www-authenticate" in answer.headers
        assert answer.json["error"]
        assert web.dumped() == []


def test_key_names_the_source(web):
    web.post("/v1/track", event(1), basic("wk_testkey_2"))
    web.post("/v1/track", {**event(2), "writeKey": KEY}, {})
    assert [r["source"] for r in web.records()] == ["site", "app"]
    assert KEY not in web.dump.read_text()


# ---- what is not taken ----

@pytest.mark.parametrize("path", ["/", "/v1", "/v1/tracks", "/v2/batch", "/v1/batch/x", "//v1/batch", "/%761/batch"])
def test_unknown_path(web, path):
    answer = web.post(path, event())
    assert answer.status == 404
    assert answer.json["where"] == path or path.startswith("//")


@pytest.mark.parametrize("method,path,allow", [("GET", "/v1/batch", "POST"), ("PUT", "/v1/track", "POST"), ("DELETE", "/v1/track", "POST"),
                                               ("POST", "/metrics", "GET, HEAD"), ("POST", "/healthz", "GET, HEAD")])
def test_wrong_method(web, method, path, allow):
    answer = web.request(method, path, b"{}", basic())
    assert answer.status == 405
    assert answer.headers["allow"] == allow


@pytest.mark.parametrize("body", [b"", b"{", b"nonsense", b'{"batch":[}', b"\x00\x01", b'{"batch":{}}', b'{"batch":[1,2', b"\xff\xfe",
                                  b'{"batch":"x"}', b"[" * 5000, b'{"a":' * 3000, b'{"batch":[]}x'])
def test_malformed_body(web, body):
    answer = web.post("/v1/batch", body)
    assert answer.status == 400
    assert answer.json["success"] is False
    assert answer.json["error"]
    assert answer.json["where"] == "/v1/batch"
    assert web.records() == []
    assert web.post("/v1/batch", {"batch": [event()]}).status == 200  # and it lives


def test_malformed_single(web):
    answer = web.post("/v1/track", {"userId": "u1"})
    assert answer.status == 400
    assert "event" in json.dumps(answer.json)
    assert len(web.rejects()) == 1


def test_malformed_event_in_a_batch(web):
    answer = web.post("/v1/batch", {"batch": [event(1), {"type": "track", "userId": "u"}, 7, {"type": "bogus", "userId": "u"}, event(2)]})
    assert answer.status == 200
    assert (answer.json["accepted"], answer.json["rejected"]) == (2, 3)
    assert [e["index"] for e in answer.json["errors"]] == [1, 2, 3]
    rejects = web.rejects()
    assert [r["where"] for r in rejects] == ["batch[1]", "batch[2]", "batch[3]"]
    assert all(r["source"] == "app" for r in rejects)
    assert json.loads(rejects[0]["text"]) == {"type": "track", "userId": "u"}


def test_all_malformed(web):
    answer = web.post("/v1/batch", {"batch": [{"type": "bogus"}] * 30})
    assert (answer.status, answer.json["success"], answer.json["rejected"]) == (400, False, 30)
    assert len(answer.json["errors"]) == 10
    assert len(web.rejects()) == 30


# ---- limits ----

def test_event_over_32k(web):
    answer = web.post("/v1/track", {**event(), "properties": {"a": "x" * 33000}})
    assert answer.status == 400
    answer = web.post("/v1/track", {**event(), "properties": {"a": "x" * 31000}})
    assert answer.status == 200


def test_body_over_500k(web):
    small = {"batch": [{**event(i), "properties": {"a": "x" * 20000}} for i in range(24)]}
    assert 480_000 < len(json.dumps(small)) < 500 * 1024
    assert web.post("/v1/batch", small).status == 200
    large = {"batch": [{**event(i), "properties": {"a": "x" * 20000}} for i in range(30)]}
    answer = web.post("/v1/batch", large)
    assert answer.status == 400
    assert "smaller batches" in answer.json["error"]


def test_body_far_over(web):
    conn = web.connect()
    conn.send(f"POST /v1/batch HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000000\r\nAuthorization: {basic()['Authorization']}\r\n\r\n"
              .encode())
    assert conn.answer().status == 413
    assert web.post("/v1/track", event()).status == 200


def test_gzip_bombs(web):
    for size in (11 << 20, 300 << 20):
        pack = zlib.compressobj(9, zlib.DEFLATED, 31)
        body = b"".join(pack.compress(b"[" * (1 << 20)) for _ in range(size >> 20)) + pack.flush()
        began = time.monotonic()
        answer = web.post("/v1/batch", body)
        assert answer.status == 400
        assert "inflates to more" in answer.json["error"]
        assert time.monotonic() - began < 5
    assert web.post("/v1/track", event()).status == 200


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b[:20], lambda b: b[:-6] + b"\x55" + b[-5:], lambda b: b + b"\x1f\x8b"])
def test_damaged_gzip(web, damage):
    answer = web.post("/v1/batch", damage(gzip.compress(json.dumps({"batch": [event()]}).encode())))
    assert answer.status == 400
    assert "compressed" in answer.json["error"]
    assert web.records() == []


def test_header_limit(web):
    conn = web.connect()
    conn.send(b"GET /healthz HTTP/1.1\r\n" + b"X-Long: " + b"x" * 100000 + b"\r\n\r\n")
    try:
        assert conn.answer().status in (400, 413, 431)
    except (EOFError, ConnectionResetError):
        pass
    assert web.post("/v1/track", event()).status == 200


@pytest.mark.parametrize("raw", [b"\r\n\r\n", b"GET\r\n\r\n", b"POST /v1/track HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00" * 20,
                                 b"POST /v1/track HTTP/1.1\r\nContent-Length: -5\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
                                 b"POST /v1/track HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                                 b"FOO /v1/track HTTP/1.1\r\nHost: t\r\n\r\n", b"A" * 70000])
def test_broken_http(web, raw):
    conn = web.connect(5)
    try:
        conn.send(raw)
        conn.sock.shutdown(1)
        conn.closed()
    except OSError:
        pass
    assert web.records() == []
    assert web.post("/v1/track", event()).status == 200


def test_connection_limit(start):
    web = start("--set", "max_connections=4")
    held = [web.connect() for _ in range(4)]
    for conn in held:
        conn.request("GET", "/healthz")
        conn.answer()
    late = web.connect(0.4)
    late.request("GET", "/healthz")
    with pytest.raises(TimeoutError):
        late.answer()
    held.pop().close()
    late.sock.settimeout(10)
    assert late.answer().status == 200  # as soon as one has gone


# ---- slow and broken clients ----

def test_who_only_holds_connections_does_not_keep_others_out(start):
    web = start("--set", "max_connections=8", "--set", "read_timeout=60000", "--set", "idle_timeout=60000")
    held = [web.connect(30) for _ in range(8)]
    for conn in held:
        conn.send(b"POST /v1/track HTTP/1.1\r\nHost: t\r\n")
    assert web.request("GET", "/healthz").status == 200
    assert web.post("/v1/track", event()).status == 200


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_head_is_get_without_the_body(web, path):
    while web.request("GET", "/healthz").status != 200:  # core has not answered yet
        time.sleep(0.01)
    conn = web.connect()
    conn.request("HEAD", path)
    answer = conn.answer(body=False)
    assert answer.status == 200 and int(answer.headers["content-length"]) > 0
    conn.request("GET", "/healthz")  # nothing of a body is in the way
    assert conn.answer().status == 200


def test_slow_loris(start):
    web = start("--set", "read_timeout=700", "--set", "idle_timeout=60000")
    conn = web.connect(0.2)
    began = time.monotonic()
    conn.send(b"POST /v1/track HTTP/1.1\r\nHost: t\r\n")
    with pytest.raises(OSError):
        for _ in range(100):
            conn.send(b"X-Drip: 1\r\n")
            if conn.closed():
                raise OSError
    assert time.monotonic() - began < 5


def test_slow_body(start):
    web = start("--set", "read_timeout=700", "--set", "idle_timeout=60000")
    conn = web.connect(10)
    conn.send(b"POST /v1/track HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\n{")
    began = time.monotonic()
    assert conn.closed()
    assert time.monotonic() - began < 5


def test_idle_connection_ends(start):
    web = start("--set", "read_timeout=300", "--set", "idle_timeout=600")
    conn = web.connect(10)
    for _ in range(2):
        conn.request("GET", "/metrics")
        assert conn.answer().status == 200
        time.sleep(0.3)
    assert conn.closed()


def test_waiting_for_core_is_not_slow(start):
    web = start("--delay", "1500", "--set", "read_timeout=300", "--set", "idle_timeout=300")
    assert web.post("/v1/track", event()).status == 200


def test_client_leaves_while_core_works(start):
    web = start("--delay", "300")
    for _ in range(20):
        conn = web.connect()
        conn.request("POST", "/v1/track", json.dumps(event()).encode(), basic())
        conn.close()
    time.sleep(0.6)
    assert web.post("/v1/track", event()).status == 200
    assert len(web.records()) >= 1


def test_keep_alive(web):
    conn = web.connect()
    for i in range(50):
        conn.request("POST", "/v1/track", json.dumps(event(i)).encode(), basic())
        assert conn.answer().status == 200
    assert len(web.records()) == 50


def test_pipelining(start):
    web = start("--delay", "20")
    conn = web.connect()
    for i in range(10):
        conn.request("POST", "/v1/track", json.dumps(event(i)).encode(), basic())
    assert [conn.answer().status for _ in range(10)] == [200] * 10
    assert [r["record"]["messageId"] for r in web.records()] == [f"m{i}" for i in range(10)]


def test_http_1_0(web):
    conn = web.connect()
    conn.request("POST", "/v1/track", json.dumps(event()).encode(), basic(), version="1.0")
    assert conn.answer().status == 200
    assert conn.closed()


def test_many_at_once(start):
    web = start("--delay", "50")

    def one(i):
        return web.post("/v1/batch", {"batch": [event(i * 10 + k) for k in range(10)]}).status

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        assert set(pool.map(one, range(200))) == {200}
    assert len(web.records()) == 2000


# ---- core in trouble ----

def test_success_only_after_the_answer_of_core(start):
    web = start("--delay", "400")
    began = time.monotonic()
    assert web.post("/v1/track", event()).status == 200
    assert time.monotonic() - began >= 0.35


def test_core_silent(start):
    web = start("--set", "core_timeout=400")
    web.tell("silent")
    answer = web.post("/v1/track", event())
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) >= 1
    web.tell("ok")
    assert web.post("/v1/track", event()).status == 200


@pytest.mark.parametrize("word,status", [("nospace", 503), ("again", 429), ("broken", 500)])
def test_core_refuses(web, word, status):
    web.tell(word)
    answer = web.post("/v1/track", event())
    assert answer.status == status
    assert answer.json["success"] is False
    assert ("retry-after" in answer.headers) == (status != 500)
    web.tell("ok")
    assert web.post("/v1/track", event()).status == 200


def test_core_gone_and_back(start):
    web = start("--delay", "300")
    conn = web.connect()
    conn.request("POST", "/v1/track", json.dumps(event()).encode(), basic())
    time.sleep(0.1)
    web.tell("gone")
    assert conn.answer().status == 503
    assert web.post("/v1/track", event()).status == 503
    assert web.request("GET", "/healthz").status == 503
    web.tell("back")
    assert web.post("/v1/track", event()).status == 200
    assert web.request("GET", "/healthz").status == 200


def test_overload(start):
    web = start("--set", "max_inflight=100000")
    web.tell("silent")
    conns = []
    statuses = []
    for i in range(12):
        conn = web.connect(0.3)
        conn.request("POST", "/v1/batch", json.dumps({"batch": [{**event(i), "properties": {"a": "x" * 20000}}]}).encode(), basic())
        conns.append(conn)
        try:
            statuses.append(conn.answer())
        except TimeoutError:
            pass
    assert statuses and {a.status for a in statuses} == {429}
    assert all(int(a.headers["retry-after"]) >= 1 for a in statuses)
    assert 3 <= 12 - len(statuses) <= 5


def test_rate_limit(start):
    web = start("--key", "slow=wk_slow_key=10")
    headers = basic("wk_slow_key")
    statuses = [web.post("/v1/batch", {"batch": [event(i * 50 + k) for k in range(50)]}, headers).status for i in range(4)]
    assert statuses == [200, 200, 429, 429]
    assert web.post("/v1/track", event()).status == 200  # others are not held up


def test_drain(start):
    web = start("--delay", "500")
    conn = web.connect()
    conn.request("POST", "/v1/track", json.dumps(event()).encode(), basic())
    time.sleep(0.1)
    web.tell("drain")
    assert conn.answer().status == 200
    assert web.line() == "drained"


# ---- health and metrics ----

def test_health(start):
    web = start()
    for _ in range(50):
        answer = web.request("GET", "/healthz")
        if answer.status == 200:
            break
        time.sleep(0.05)
    assert answer.json["status"] == "ok"
    web.tell("gone")
    answer = web.request("GET", "/healthz")
    assert answer.status == 503
    assert answer.json["status"] != "ok"


def samples(text):
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line and line[0] != "#"}


def test_metrics(web):
    web.post("/v1/batch", {"batch": [event(i) for i in range(5)] + [{"type": "bogus"}]})
    web.post("/v1/batch", b"{")
    web.post("/nowhere\"\\", b"{")
    web.post("/v1/track", event(), {})
    answer = web.request("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = answer.body.decode()
    got = samples(text)
    assert got['basewatch_http_requests_total{path="/v1/batch",status="200"}'] == 1
    assert got['basewatch_http_requests_total{path="/v1/batch",status="400"}'] == 1
    assert got['basewatch_http_requests_total{path="/v1/track",status="401"}'] == 1
    assert got['basewatch_http_requests_total{path="other",status="404"}'] == 1
    assert got['basewatch_http_events_total{result="accepted"}'] == 5
    assert got['basewatch_http_events_total{result="rejected"}'] == 2
    assert got["basewatch_http_ack_seconds_count"] == 1
    assert got["basewatch_test_core"] == 1
    assert got["basewatch_core_up"] == 1
    if not shutil.which("promtool"):
        pytest.skip("promtool (package prometheus) is not installed")
    check = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert (check.returncode, check.stdout + check.stderr) == (0, "")


def test_metrics_without_core(start):
    web = start("--set", "core_timeout=200")
    web.tell("gone")
    got = samples(web.request("GET", "/metrics").body.decode())
    assert got["basewatch_core_up"] == 0
