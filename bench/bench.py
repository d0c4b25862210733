#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed, side by side with DuckDB in the same run on the same files.  Prints a table; compares the lists that both sides make."""
import argparse
import csv
import json
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
AT = "2026-01-01T00:00:00Z"  # the peer's day 364 (2025-12-31) is then the last complete day
THREADS = str(os.cpu_count() or 1)

# Our signal, as the peer names it, and where our evidence holds the peer's value (None: only accounts are compared).
SAME = {
    "seat_utilization": ("seat_util", "seats_used"),
    "usage_growth": ("usage_growth", "events"),
    "usage_decline": ("usage_drop", "events"),
    "logins_decline": ("login_decline", None),
    "usage_near_limit": ("api_limit", None),
    "feature_breadth": ("feature_breadth", "features"),
    "new_department": ("new_department", None),
    "workaround": ("pricing_interest", "count"),
    "adoption_high": ("sticky", None),
}


def generate(work, name, accounts, events, shards):
    target = work / name
    done = target / "complete"
    if not done.exists():
        target.mkdir(parents=True, exist_ok=True)
        print(f"generating {events:,} events of {accounts:,} accounts ...", file=sys.stderr)
        subprocess.run([work / "generate", target, str(accounts), str(events), str(shards)], check=True, stderr=subprocess.DEVNULL)
        done.touch()
    return target


def run(command, **kwargs):
    """(seconds, cpu seconds, peak KiB, stdout, stderr) of one process and its children."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.monotonic()
        process = subprocess.Popen([str(c) for c in command], stdout=out, stderr=err, **kwargs)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        out.seek(0), err.seek(0)
        stdout, stderr = out.read(), err.read()
    if status != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit {status}\n{stderr[-2000:]}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, stdout, stderr


def peer(work, data, statements, out):
    files = [work / "peer" / s for s in statements]
    seconds, cpu, peak, stdout, _ = run(["node", work / "peer" / "duck.mjs", data, THREADS, out, *files])
    times = json.loads(stdout.strip().splitlines()[-1])
    return {"wall": seconds, "cpu": cpu, "peak": peak, "statements": times}


def ours(data, *more):
    files = sorted(data.glob("events-*.jsonl"))
    command = [TOP / "build/basewatch", "replay", "--config", TOP / "bench/config", "--plugins", TOP / "build/plugins/usage",
               "--stats", "--only", "signal", *more, data / "accounts.csv", *files]
    seconds, cpu, peak, stdout, stderr = run(command)
    stats = json.loads(stderr.strip().splitlines()[-1])
    return {"wall": seconds, "cpu": cpu, "peak": peak, "stats": stats, "lines": stdout.splitlines()}


def our_list(lines):
    found = {}
    for line in lines:
        s = json.loads(line)
        name, evidence = SAME.get(s["signal"], (None, None))
        if name and s["state"] == "opened":
            found[(s["account"], name)] = s["evidence"].get(evidence) if evidence else None
    return found


def peer_list(path):
    with open(path, newline="", encoding="utf-8") as f:
        return {(a, s): int(v) for a, s, v in csv.reader(f)}


def compare(mine, theirs):
    only_mine = sorted(set(mine) - set(theirs))
    only_theirs = sorted(set(theirs) - set(mine))
    values = [k for k in set(mine) & set(theirs) if mine[k] is not None and int(mine[k]) != theirs[k]]
    print(f"lists: {len(theirs):,} signals by DuckDB, {len(mine):,} by basewatch; {len(only_mine)} only ours, {len(only_theirs)} only "
          f"theirs, {len(values)} with another value")
    for label, keys in (("only ours", only_mine), ("only theirs", only_theirs), ("other value", values)):
        for k in keys[:5]:
            print(f"  {label}: {k} {mine.get(k)} {theirs.get(k)}")
    return not (only_mine or only_theirs or values)


def row(name, mine, theirs):
    print(f"| {name:<58} | {mine:>10} | {theirs:>10} |")


def med(runs, key):
    return statistics.median(r[key] for r in runs)


def warm(data):
    """Every run begins with the files in memory: what is compared is the work, not the disk."""
    for path in sorted(data.glob("*")):
        with open(path, "rb", buffering=0) as f:
            while f.read(1 << 22):
                pass


def raw_to_signals(work, data, runs):
    out = work / "peer.csv"
    theirs, mine = [], []
    for i in range(runs):
        print(f"run {i + 1} of {runs} ...", file=sys.stderr)
        warm(data)
        theirs.append(peer(work, data, ["ingest.sql", "rollup.sql", "rules.sql"], out))
        warm(data)
        mine.append(ours(data, "--at", AT))
    same = compare(our_list(mine[-1]["lines"]), peer_list(out))
    ratios = [t["wall"] / m["wall"] for t, m in zip(theirs, mine)]
    row("raw JSONL to signals, wall s", f"{med(mine, 'wall'):.2f}", f"{med(theirs, 'wall'):.2f}")
    row("  CPU s", f"{med(mine, 'cpu'):.2f}", f"{med(theirs, 'cpu'):.2f}")
    row("  peak memory MiB", f"{med(mine, 'peak') / 1024:.0f}", f"{med(theirs, 'peak') / 1024:.0f}")
    print(f"  basewatch is {statistics.median(ratios):.1f} x as fast (each run: {', '.join(f'{r:.1f}' for r in ratios)}), at "
          f"{med(mine, 'peak') / med(theirs, 'peak') * 100:.0f} % of the memory; lists {'are the same' if same else 'DIFFER'}")


def every_day(work, data):
    theirs = peer(work, data, ["ingest.sql", "rollup.sql", "rules.sql", "backtest.sql"], work / "peer.csv")
    mine = ours(data, "--tick", "1d")
    sql = sum(theirs["statements"][k] for k in ("bts_grid", "bts_win", "bts_rules"))
    row("scoring every day of the year, beyond the above, s", f"{mine['stats']['tick_seconds']:.2f}", f"{sql:.2f}")


def hourly(work, data, accounts):
    """One further half hour that touches 5 % of the accounts; then the same with a million idle accounts beside them."""
    theirs = peer(work, data, ["ingest.sql", "rollup.sql", "hour.sql", "rules_touched.sql"], work / "peer.csv")
    merged = sum(v for k, v in theirs["statements"].items() if k.startswith("h_") and not k.endswith("_cpu"))
    idle = work / "idle.csv"
    if not idle.exists():
        with open(idle, "w", encoding="utf-8") as f:
            f.write("account_id,plan,seats,api_limit,arr,start_date,renewal_date\n")
            f.writelines(f"idle{i:07d},pro,10,100000,4200,2024-03-01,2026-03-01\n" for i in range(1_000_000))
    window = ["--tick", "30m", "--first-tick", "2025-12-31T22:30:00Z", "--to", "2025-12-31T23:30:00Z"]
    plain = ours(data, *window, data / "hour.jsonl")["stats"]["first_ticks"]
    crowded = ours(data, *window, data / "hour.jsonl", idle)["stats"]["first_ticks"]
    row("hour of 5 % of accounts scored, s (DuckDB: merge + rules)", f"{plain[2]:.4f}", f"{merged + theirs['statements']['rules_touched']:.3f}")
    row("  the same beside 1,000,000 idle accounts, s", f"{crowded[2]:.4f}", "-")
    row("first pass of a day over all, s", f"{plain[0]:.3f}", "-")
    row("  the same beside 1,000,000 idle accounts, s", f"{crowded[0]:.3f}", "-")


def memory(work, data, accounts):
    """All that the process holds at its peak, buffers included; then what each further account of ten times as many adds."""
    small = ours(data, "--at", AT)["stats"]["peak_kib"]
    large_data = generate(work, "200k", 200_000, 20_000_000, 12)
    large = ours(large_data, "--at", AT)["stats"]["peak_kib"]
    row(f"peak memory, {accounts:,} accounts with a year, MiB (KiB each)", f"{small / 1024:.0f} ({small / accounts:.1f})", "-")
    row("peak memory, 200,000 accounts, 20 M events, MiB (KiB each)", f"{large / 1024:.0f} ({large / 200_000:.1f})", "-")
    row("  each further account, KiB", f"{(large - small) / (200_000 - accounts):.1f}", "-")


def plays():
    """The default plays over a million accounts in memory, one in ten of them with open signals; on one core."""
    subprocess.run(["make", "-s", "-C", TOP / "build", "bench-plays"], check=True, stdout=subprocess.DEVNULL)
    _, _, _, out, _ = run([TOP / "build/bench-plays", TOP / "etc", 1_000_000, 0.1])
    took = {line.split(",")[0].split()[0]: re.search(r"([\d.]+) ms", line) for line in out.splitlines() if " ms" in line}
    row("all plays over 1,000,000 accounts, s", f"{float(took['full'][1]) / 1000:.2f}", "-")
    row("  the hour in which 1 % of them changed, s", f"{float(took['hourly'][1]) / 1000:.3f}", "-")


def http(work):
    """The durable path: web, core, one commit for what came together; one client on this machine."""
    load = work / "http_load"
    subprocess.run(["cc", "-D_GNU_SOURCE", "-O2", "-o", load, TOP / "bench/http_load.c"], check=True)
    with tempfile.TemporaryDirectory(dir=work) as place:
        place = pathlib.Path(place)
        shutil.copytree(TOP / "etc", place / "config", ignore=shutil.ignore_patterns("systemd"))
        (place / "config/basewatch.yaml").write_text("web: {listen: '127.0.0.1:0', keys: {bench: bench-key}}\n", encoding="utf-8")
        with open(place / "log", "wb") as log:
            daemon = subprocess.Popen([TOP / "build/basewatchd", "--config", place / "config", "--state", place / "state", "--plugins",
                                       TOP / "build/plugins/usage"], stdout=log, stderr=log)
        try:
            address = place / "state/web.address"
            for _ in range(200):
                if address.exists() and subprocess.run([TOP / "build/basewatch", "--state", place / "state", "status"],
                                                       capture_output=True, check=False).returncode == 0:
                    break
                time.sleep(0.1)
            host, port = address.read_text(encoding="utf-8").strip().rsplit(":", 1)
            for connections in (1, 8):
                _, _, _, out, _ = run([load, host, port, "bench-key", connections, 1_000_000, 500])
                r = json.loads(out)
                row(f"HTTP, durable, batches of 500, {connections} connection(s), events/s", f"{r['events_per_second']:,}", "-")
                row("  acknowledgement p50 / p99, ms", f"{r['p50_ms']:.1f} / {r['p99_ms']:.1f}", "-")
        finally:
            daemon.terminate()
            daemon.wait(60)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true", help="2 million events instead of 20")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--short", action="store_true", help="only raw files to signals, and HTTP")
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    size = ("2m", 2000, 2_000_000, 4) if args.quick else ("20m", 20000, 20_000_000, 12)
    data = generate(args.work, *size)
    print(f"{size[2]:,} events, {size[1]:,} accounts, 365 days; {os.cpu_count()} cores; DuckDB with {THREADS} threads")
    print(f"| {'':<58} | {'basewatch':>10} | {'DuckDB':>10} |\n|{'-' * 60}|{'-' * 12}|{'-' * 12}|")
    raw_to_signals(args.work, data, args.runs)
    if not args.short:
        every_day(args.work, data)
        hourly(args.work, data, size[1])
        memory(args.work, data, size[1])
        plays()
    http(args.work)


main()
