#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes basewatch-usage.7 from the option tables, so that the manual cannot disagree with the code.
# usage: mkman.sh DIRECTORY-OF-THE-TABLES
set -eu
dir=$1
cat <<'END'
.\" SPDX-License-Identifier: Apache-2.0
.\" Made by mkman.sh from signals.def and extras.def; edit those.
.TH BASEWATCH-USAGE 7 "" basewatch "basewatch watchers"
.SH NAME
basewatch-usage \- the watcher of product usage
.SH DESCRIPTION
Reads track, page, screen, identify, group, account, subscription and plan records and tells what shifted on an account:
seats, limits, growth, decline, adoption, silence.  Levels are looked at on every tick, trends on the first tick of a UTC day.
.PP
Options nest by their dots in the watcher's YAML file.
.SH SIGNALS
Each has the options
.BR enabled ", " threshold ", " clear ", " window ", " min ", " for " and " cooldown ,
as in
.IR usage_decline.threshold .
The defaults are given in the order threshold, clear, window, min, for, cooldown.
END
join='BEGIN { RS = "\n(SIGNAL|OPTION)\\("; } NR > 1 { gsub(/\n[ \t]*/, " "); print }'
awk "$join" "$dir/signals.def" | awk '{
  n = split($0, f, /, */); line = $0; name = f[2]; dir = tolower(f[3]); nq = 0; rest = line
  while (match(rest, /"([^"\\]|\\.)*"/)) { q[++nq] = substr(rest, RSTART + 1, RLENGTH - 2); rest = substr(rest, RSTART + RLENGTH) }
  printf ".TP\n.BR %s \" (%s)\"\n%s\nDefaults: %s, %s, %s, %s, %s, %s.  The threshold is: %s.  The minimum is: %s.\n", \
    name, dir, q[8], q[2], q[3], q[4], q[5], q[6], q[7], q[9], q[10] }'
echo '.SH OPTIONS'
awk "$join" "$dir/extras.def" | awk '{
  nq = 0; rest = $0; type = $0; name = ""
  while (match(rest, /"([^"\\]|\\.)*"/)) {
    s = substr(rest, RSTART + 1, RLENGTH - 2); between = substr(rest, 1, RSTART - 1)
    if (nq && between ~ /^ *$/) q[nq] = q[nq] s; else q[++nq] = s
    if (nq == 1) { after = substr(rest, RSTART + RLENGTH); split(after, t, /[, ]+/); type = tolower(t[2]) }
    rest = substr(rest, RSTART + RLENGTH) }
  for (i = 2; i <= nq; i++) { gsub(/\\"/, "\"", q[i]); gsub(/\\/, "\\e", q[i]) }
  printf ".TP\n.BR %s \" (%s)\"\n%s\nDefault: %s\n", q[1], type, q[3], q[2] }'
cat <<'END'
.SH NOTICES
.TP
.B feed_silent
No event of any account for longer than the feed's own gaps explain.
.TP
.BR fleet_dip ", " fleet_spike
The events of all accounts fell below, or rose above, what their weekdays usually hold.
.TP
.B company_merged
Most active users of one account turned up under another.
.TP
.BR future_events ", " table_full ", " too_many_names
Records that could not be counted, and what to do.
.SH SEE ALSO
.BR basewatch (1)
END
