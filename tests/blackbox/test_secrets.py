# SPDX-License-Identifier: Apache-2.0
"""A write key is a secret, however a sender puts it: nothing that people look at holds it, nor the store."""
import json

from conftest import wait_until

SECRET = "s3cr3tkey"
EVENT = '{"type":"track","userId":"u","event":"e","context":{"groupId":"a"%s}%s,"messageId":"m%d"}'
KEPT = [EVENT % ("", f', "writeKey": "{SECRET}"', 1), EVENT % (f',"writeKey":"{SECRET}"', "", 2),
        EVENT % ("", f',"context.writeKey":"{SECRET}"', 3), EVENT % (f',"app.writeKey":"{SECRET}"', "", 4),
        EVENT % ("", f',"properties":{{"items":[{{"writeKey":"{SECRET}"}}],"write_key":"{SECRET}"}}', 6),
        EVENT % ("", f',"properties":{{"deep":{{"write\\u004bey":"{SECRET}"}}}}', 5)]
REFUSED = ['{"type":"track","writeKey"  :\t"%s"' % SECRET, '{"type":"track","write\\u004bey":"%s"}' % SECRET,
           '{"type":"track","context.writeKey":"%s"}' % SECRET, '{"type":"track","writeKey":{"v":["%s"]}}' % SECRET,
           "{type: 'track', writeKey: '%s'}" % SECRET, '{"type":"trck","writeKey":"%s","userId":"u"}' % SECRET]
ACCOUNTS = f"account_id,name,writeKey\na,Acme,{SECRET}\n,nobody,{SECRET}\nb,Beta,{SECRET},too,many\nd,Delta, Inc,{SECRET}\n"


def test_no_write_key_is_shown_or_stored(daemon, tmp_path):
    daemon.start()
    (tmp_path / "events.jsonl").write_text("\n".join(KEPT + REFUSED) + "\n")
    (tmp_path / "accounts.csv").write_text(ACCOUNTS)
    (tmp_path / "more.csv").write_text(f"account_id,Write Key\n,{SECRET}\nc,{SECRET}\n")
    done = daemon.cli("import", *sorted(tmp_path.glob("*.jsonl")), *sorted(tmp_path.glob("*.csv")), "--kind", "account", check=False)
    assert SECRET not in done.stdout + done.stderr
    assert daemon.post("/v1/track", ('{"type":"track",\n"writeKey"\n:\n"%s","userId":""}' % SECRET).encode())[0] in (400, 401)
    assert daemon.post("/v1/batch", ('{"batch":[{"type":"track","event":"no id","writeKey"\n:\n"%s"}]}' % SECRET).encode())[0] in (200, 400)
    wait_until(daemon.idle, 60, "the backlog")
    exported, rejected = daemon.cli("export").stdout, daemon.cli("rejected", "--json").stdout
    assert len([r for r in map(json.loads, exported.splitlines()) if r["type"] == "track"]) == len(KEPT)
    assert rejected.count('"..."') + rejected.count('\\"...\\"') >= len(REFUSED)
    for shown in (exported, rejected, daemon.cli("rejected").stdout, daemon.cli("account", "a").stdout, daemon.log()):
        assert SECRET not in shown
    assert daemon.stop() == 0
    for file in daemon.state.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes(), file
