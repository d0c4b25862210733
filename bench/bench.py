#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed, side by side with DuckDB in the same run on the same files.  Prints a table; compares the lists that both sides make."""
import argparse
import csv
import json
import os
import pathlib
import resource
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


def row(name, mine, theirs, unit="s"):
    print(f"| {name:<58} | {mine:>10} | {theirs:>10} |")


def med(runs, key):
    return statistics.median(r[key] for r in runs)


def raw_to_signals(work, data, runs):
    out = work / "peer.csv"
    theirs, mine = [], []
    for i in range(runs):
        print(f"run {i + 1} of {runs} ...", file=sys.stderr)
        theirs.append(peer(work, data, ["ingest.sql", "rollup.sql", "rules.sql"], out))
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true", help="2 million events instead of 20")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--skip-daily", action="store_true")
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    size = ("2m", 2000, 2_000_000, 4) if args.quick else ("20m", 20000, 20_000_000, 12)
    data = generate(args.work, *size)
    print(f"{size[2]:,} events, {size[1]:,} accounts, 365 days; {os.cpu_count()} cores; DuckDB with {THREADS} threads")
    print(f"| {'':<58} | {'basewatch':>10} | {'DuckDB':>10} |\n|{'-' * 60}|{'-' * 12}|{'-' * 12}|")
    raw_to_signals(args.work, data, args.runs)
    if not args.skip_daily:
        every_day(args.work, data)


main()
