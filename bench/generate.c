// gen.c - B2B product-usage event generator. gcc -O2 -o bin/gen gen.c -lm
// usage: gen OUTDIR NACCOUNTS NEVENTS NSHARDS [SEED]
// writes OUTDIR/accounts.csv, OUTDIR/events-NN.jsonl (time ordered, 365 days 2025-01-01..12-31T23:00),
//        OUTDIR/hour.jsonl (20k events of 2025-12-31T23:xx, touching 5% of accounts)
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static uint64_t s[2];
static inline uint64_t rn(void)
{
  uint64_t a = s[0], b = s[1];
  s[0] = b;
  a ^= a << 23;
  s[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
  return s[1] + b;
}
static inline double ru(void)
{
  return (rn() >> 11) * (1.0 / 9007199254740992.0);
}
static double rg(void)
{
  double u = ru() + 1e-12, v = ru();
  return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}
static int rpois(double l)
{
  if (l <= 0)
    return 0;
  if (l > 40) {
    double x = l + sqrt(l) * rg() + 0.5;
    return x < 0 ? 0 : (int)x;
  }
  double L = exp(-l), p = 1;
  int k = 0;
  do {
    k++;
    p *= ru();
  } while (p > L);
  return k - 1;
}
#define DAYS 365
static const char *feat[24] = {"dashboards", "reports",   "exports",  "alerts",     "api_keys",  "webhooks",
                               "sso",        "audit_log", "roles",    "workflows",  "templates", "integrations",
                               "search",     "comments",  "mentions", "mobile",     "billing",   "forecast",
                               "segments",   "cohorts",   "funnels",  "sql_editor", "imports",   "sharing"};
static const char *dept[12] = {"engineering", "sales", "marketing", "support",  "finance", "operations",
                               "product",     "legal", "people",    "security", "data",    "it"};
static const char *pages[8] = {"/home", "/reports", "/settings", "/pricing", "/docs", "/inbox", "/projects", "/team"};
typedef struct {
  double w, slope, shock;
  int start, nu, seats, nd, d0, nf, f0;
  int newdept, pricer;
  char id[12];
} Acc;
typedef struct {
  uint32_t ms;
  uint32_t acc;
  uint32_t user;
  uint8_t kind;
  uint8_t p;
  uint16_t c;
} Ev;
static Ev *ev;
static size_t nev, cap;
static int cmp(const void *a, const void *b)
{
  uint32_t x = ((Ev *)a)->ms, y = ((Ev *)b)->ms;
  return x < y ? -1 : x > y;
}
static inline char *ps(char *o, const char *t)
{
  size_t n = strlen(t);
  memcpy(o, t, n);
  return o + n;
}
#define PS(o, lit) (memcpy(o, lit, sizeof(lit) - 1), o + sizeof(lit) - 1)
static inline char *pd(char *o, unsigned v, int w)
{
  for (int i = w - 1; i >= 0; i--) {
    o[i] = '0' + v % 10;
    v /= 10;
  }
  return o + w;
}
static inline char *pu(char *o, unsigned v)
{
  char b[12];
  int n = 0;
  do {
    b[n++] = '0' + v % 10;
    v /= 10;
  } while (v);
  while (n)
    *o++ = b[--n];
  return o;
}
static const int mdays[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
static inline char *hex(char *o, uint64_t v, int n)
{
  static const char h[] = "0123456789abcdef";
  for (int i = 0; i < n; i++) {
    o[i] = h[v & 15];
    v >>= 4;
  }
  return o + n;
}
static int user_dept(Acc *A, unsigned u)
{
  if (u >= 1000000)
    return (A->d0 + A->nd) % 12;
  return (A->d0 + (u * 7 + u / 3) % A->nd) % 12;
}
static char *emit(char *o, Ev *e, Acc *A, int mon, int md)
{
  static const char *types[5] = {"track", "track", "track", "page", "identify"};
  o = PS(o, "{\"type\":\"");
  o = ps(o, types[e->kind]);
  uint64_t a = rn(), b = rn();
  o = PS(o, "\",\"messageId\":\"");
  o = hex(o, a, 8);
  *o++ = '-';
  o = hex(o, a >> 32, 4);
  o = PS(o, "-4");
  o = hex(o, a >> 48, 3);
  *o++ = '-';
  o = hex(o, b | 8, 4);
  *o++ = '-';
  o = hex(o, b >> 16, 12);
  o = PS(o, "\",\"userId\":\"u");
  o = pd(o, e->acc, 6);
  *o++ = '_';
  o = pu(o, e->user);
  o = PS(o, "\",\"context\":{\"groupId\":\"");
  o = ps(o, A->id);
  o = PS(o, "\"},\"timestamp\":\"2025-");
  o = pd(o, mon + 1, 2);
  *o++ = '-';
  o = pd(o, md + 1, 2);
  *o++ = 'T';
  unsigned sec = e->ms / 1000;
  o = pd(o, sec / 3600, 2);
  *o++ = ':';
  o = pd(o, sec / 60 % 60, 2);
  *o++ = ':';
  o = pd(o, sec % 60, 2);
  *o++ = '.';
  o = pd(o, e->ms % 1000, 3);
  switch (e->kind) {
  case 0:
    o = PS(o, "Z\",\"event\":\"Feature Used\",\"properties\":{\"feature\":\"");
    o = ps(o, feat[e->p]);
    o = PS(o, "\",\"duration_ms\":");
    o = pu(o, e->c);
    o = PS(o, "}}\n");
    break;
  case 1:
    o = PS(o, "Z\",\"event\":\"API Called\",\"properties\":{\"endpoint\":\"/v1/");
    o = ps(o, feat[e->p]);
    o = PS(o, "\",\"count\":");
    o = pu(o, e->c);
    o = PS(o, "}}\n");
    break;
  case 2:
    o = PS(o, "Z\",\"event\":\"Signed In\",\"properties\":{\"method\":\"sso\",\"department\":\"");
    o = ps(o, dept[user_dept(A, e->user)]);
    o = PS(o, "\"}}\n");
    break;
  case 3:
    o = PS(o, "Z\",\"name\":\"Page\",\"properties\":{\"path\":\"");
    o = ps(o, pages[e->p]);
    o = PS(o, "\",\"referrer\":\"/home\"}}\n");
    break;
  case 4:
    o = PS(o, "Z\",\"traits\":{\"department\":\"");
    o = ps(o, dept[user_dept(A, e->user)]);
    o = PS(o, "\",\"title\":\"analyst\"}}\n");
    break;
  }
  return o;
}
static void add(Acc *A, uint32_t ai, int d, uint32_t ms)
{
  Ev e;
  e.ms = ms;
  e.acc = ai;
  double age = (d + 60) / (double)(DAYS + 60);
  int nu = (int)(A->nu * (0.5 + 0.5 * age)) + 1;
  double u = ru();
  e.user = (unsigned)(u * u * nu);
  if (A->newdept && d >= DAYS - 12 && ru() < 0.15)
    e.user = 1000000 + (rn() % 4);
  double r = ru();
  if (r < .45) {
    e.kind = 0;
    int nf = 1 + (int)(A->nf * (0.4 + 0.6 * age));
    if (A->newdept && d < DAYS - 28)
      nf = nf / 2 + 1;
    double q = ru();
    e.p = (A->f0 + (int)(q * q * nf)) % 24;
    e.c = rn() % 60000;
  } else if (r < .65) {
    e.kind = 1;
    double q = ru();
    e.p = (A->f0 + (int)(q * A->nf)) % 24;
    double c = exp(2.5 + 1.3 * rg());
    e.c = c > 60000 ? 60000 : 1 + (int)c;
  } else if (r < .80) {
    e.kind = 2;
    e.p = 0;
    e.c = 0;
  } else if (r < .95) {
    e.kind = 3;
    double q = ru();
    e.p = q < 0.01 ? 3 : (int)(ru() * 8);
    if (e.p == 3 && q >= 0.01)
      e.p = 0;
    if (A->pricer && d >= DAYS - 7 && q < .25)
      e.p = 3;
    e.c = 0;
  } else {
    e.kind = 4;
    e.p = 0;
    e.c = 0;
  }
  if (nev == cap) {
    cap = cap ? cap * 2 : 1 << 16;
    ev = realloc(ev, cap * sizeof(Ev));
  }
  ev[nev++] = e;
}
int main(int c, char **v)
{
  if (c < 5) {
    fprintf(stderr, "gen DIR NACC NEV NSHARDS [SEED]\n");
    return 1;
  }
  const char *dir = v[1];
  int N = atoi(v[2]);
  double target = atof(v[3]);
  int ns = atoi(v[4]);
  s[0] = c > 5 ? strtoull(v[5], 0, 10) : 42;
  s[1] = 0x9E3779B97F4A7C15ull;
  for (int i = 0; i < 20; i++)
    rn();
  Acc *A = calloc(N, sizeof *A);
  double tot = 0;
  double wd[7] = {1.15, 1.2, 1.2, 1.1, 1.0, .35, .3};
  char path[512];
  snprintf(path, 512, "%s/accounts.csv", dir);
  FILE *f = fopen(path, "w");
  double lim = 0;
  (void)lim;
  for (int i = 0; i < N; i++) {
    Acc *a = A + i;
    sprintf(a->id, "a%07d", i * 37 % 9999991 + 1000);
    a->w = exp(1.5 * rg());
    a->start = ru() < .6 ? -1 : (int)(ru() * 340);
    a->slope = 0.6 * rg();
    double q = ru();
    a->shock = q < .05 ? .3 : q < .10 ? 2.2 : 1;
    a->nu = (int)(1.5 + 5 * pow(a->w, .75) + ru() * 2);
    a->nd = 1 + (int)fmin(9, log2(a->nu + 1) * ru() + .5);
    a->d0 = rn() % 12;
    a->nf = 3 + rn() % 18;
    a->f0 = rn() % 24;
    a->newdept = ru() < .03;
    a->pricer = ru() < .04;
    for (int d = a->start < 0 ? 0 : a->start; d < DAYS; d++) {
      double l = a->w * exp(a->slope * d / DAYS) * wd[(d + 2) % 7];
      if (d >= DAYS - 28)
        l *= a->shock;
      tot += l;
    }
  }
  double k = target / tot;
  fprintf(f, "account_id,plan,seats,api_limit,arr,start_date,renewal_date\n");
  for (int i = 0; i < N; i++) {
    Acc *a = A + i;
    a->seats = (int)(a->nu * (0.75 + ru() * 1.2)) + 1;
    double dayrate = a->w * k * exp(a->slope) * .9 * a->shock;
    double apim = dayrate * .2 * 29 * 30; /*mean count ~29*/
    static const char *pl[4] = {"free", "starter", "pro", "enterprise"};
    int p = a->nu < 4 ? 0 : a->nu < 9 ? 1 : a->nu < 30 ? 2 : 3;
    unsigned L = (unsigned)(apim * (0.8 + ru() * 2.5)) / 100 * 100 + 1000;
    int sd = a->start < 0 ? -(int)(ru() * 700) : a->start;
    int rd = sd;
    while (rd < 365)
      rd += 365;
    rd -= 365;
    int m = 0, x = rd;
    while (x >= mdays[m]) {
      x -= mdays[m];
      m++;
    }
    int sy = 2025, y = sd;
    while (y < 0) {
      y += 365;
      sy--;
    }
    int m2 = 0, x2 = y;
    while (x2 >= mdays[m2]) {
      x2 -= mdays[m2];
      m2++;
    }
    fprintf(f, "%s,%s,%d,%u,%d,%04d-%02d-%02d,2026-%02d-%02d\n", a->id, pl[p], a->seats, L,
            a->seats * (p == 0   ? 0
                        : p == 1 ? 180
                        : p == 2 ? 420
                                 : 900),
            sy, m2 + 1, x2 + 1, m + 1, x + 1);
  }
  fclose(f);
  char *buf = malloc(64 << 20);
  size_t total = 0, bytes = 0;
  int cur = -1;
  FILE *o = NULL;
  int mon = 0, md = 0;
  for (int d = 0; d < DAYS; d++) {
    int sh = d * ns / DAYS;
    if (sh != cur) {
      if (o)
        fclose(o);
      snprintf(path, 512, "%s/events-%02d.jsonl", dir, sh);
      o = fopen(path, "w");
      setvbuf(o, 0, _IONBF, 0);
      cur = sh;
    }
    nev = 0;
    uint32_t daymax = d == DAYS - 1 ? 82800000u : 86400000u;
    for (int i = 0; i < N; i++) {
      Acc *a = A + i;
      if (d < a->start)
        continue;
      double l = k * a->w * exp(a->slope * d / DAYS) * wd[(d + 2) % 7];
      if (d >= DAYS - 28)
        l *= a->shock;
      int n = rpois(l);
      for (int j = 0; j < n; j++) {
        double t = (ru() + ru() + ru()) / 3;
        uint32_t ms = (uint32_t)(t * daymax);
        add(a, i, d, ms);
      }
    }
    qsort(ev, nev, sizeof(Ev), cmp);
    char *p = buf;
    for (size_t i = 0; i < nev; i++) {
      p = emit(p, ev + i, A + ev[i].acc, mon, md);
      if (p - buf > (60 << 20)) {
        fwrite(buf, 1, p - buf, o);
        bytes += p - buf;
        p = buf;
      }
    }
    fwrite(buf, 1, p - buf, o);
    bytes += p - buf;
    total += nev;
    if (++md == mdays[mon]) {
      md = 0;
      mon++;
    }
  }
  fclose(o);
  // hour file
  snprintf(path, 512, "%s/hour.jsonl", dir);
  o = fopen(path, "w");
  nev = 0;
  int nt = N / 20;
  int *t = malloc(nt * sizeof(int));
  double W = 0;
  double *cw = malloc(nt * 8);
  for (int i = 0; i < nt; i++) {
    t[i] = (int)(rn() % 20) + i * 20;
    W += A[t[i]].w;
    cw[i] = W;
  }
  for (int i = 0; i < 20000; i++) {
    int j;
    if (i < nt)
      j = i;
    else {
      double x = ru() * W;
      int lo = 0, hi = nt - 1;
      while (lo < hi) {
        int m = (lo + hi) / 2;
        if (cw[m] < x)
          lo = m + 1;
        else
          hi = m;
      }
      j = lo;
    }
    add(A + t[j], t[j], DAYS - 1, 82800000u + (uint32_t)(ru() * 3599999));
  }
  qsort(ev, nev, sizeof(Ev), cmp);
  char *p = buf;
  for (size_t i = 0; i < nev; i++)
    p = emit(p, ev + i, A + ev[i].acc, 11, 30);
  fwrite(buf, 1, p - buf, o);
  fclose(o);
  fprintf(stderr, "events=%zu bytes=%zu avg=%.1f k=%g\n", total, bytes, (double)bytes / total, k);
  return 0;
}
