/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration directory, read and checked as a whole: basewatch.yaml, watchers, plays, routes and templates.  The daemon,
 * `--check` and the replay all read it here.
 */
#ifndef BW_PIPELINE_SETUP_H
#define BW_PIPELINE_SETUP_H

#include "config/config.h"

struct bw_catalog;
struct bw_engine_options;
struct bw_signals_options;
struct bw_deals_options;
struct bw_plays;
struct bw_templates;

struct bw_watcher_setup {
  char *name;           /* the plugin's own name: the prefix of its traits */
  char *path;           /* of the shared object */
  char *options;        /* JSON object */
  char *description;    /* what the plugin said of itself: JSON */
  int64_t deadline_ms;  /* for one batch */
  int64_t memory_bytes; /* address space of the host */
  int64_t snapshot_ms;
};

enum bw_lint_mode { BW_LINT_OFF = 0, BW_LINT_REPORT, BW_LINT_ENFORCE };
struct bw_setup {
  /* basewatch.yaml */
  int64_t tick_ms;
  int64_t retention_ms;
  int64_t dedup_window_ms;
  int64_t dedup_limit; /* message ids kept */
  int lint;            /* enum bw_lint_mode: what a reload does with the findings of lint */
  int64_t lateness_ms; /* a tick older than this only teaches: no play is evaluated at it */
  char *maildir;       /* may be relative to the state directory */
  char *plugin_dir;
  char *sender;                         /* From: of what is sent */
  const struct bw_node *web;            /* checked by the web room; may be NULL */
  const struct bw_node *free_mail_node; /* `ingest.free_mail`, as read; may be NULL */
  const char **free_mail;               /* its domains */
  size_t nfree_mail;
  const struct bw_node *signals_node; /* settings of the signals room, as read */
  const struct bw_node *leads_node;   /* settings of the engine, as read */
  const struct bw_node *deals_node;   /* `opportunities:`, as read; NULL: all defaults */
  struct bw_watcher_setup *watchers;
  size_t nwatchers;
  struct bw_catalog *catalog; /* what the watchers may say; a watcher's number there is its index above */
  struct bw_plays *plays;
  struct bw_templates *templates;
  struct bw_signals_options *signals; /* checked */
  struct bw_engine_options *leads;    /* checked */
  struct bw_deals_options *deals;     /* checked */
  struct bw_document **documents;     /* own the nodes above */
  size_t ndocuments;
};

struct bw_setup_options {
  const char *plugin_dir; /* replaces the configured one; may be NULL */
  const char *host_exe;   /* plugins are asked to describe themselves in a sandboxed `host_exe --role host`; NULL: in this
                             process, which a replay of the user's own plugin may do and the daemon must not */
};

/*
 * Reads dir.  All complaints are collected; BW_EINVAL if there is one, and nothing is returned then.
 */
int bw_setup_load(const char *dir, const struct bw_setup_options *options, struct bw_setup **ret_setup,
                  struct bw_complaints *complaints);
void bw_setup_free(struct bw_setup **setup);

#endif
