# The default configuration, to be copied to $(sysconfdir)/basewatch: an upgrade must not touch what people changed there.
defaultdir = $(pkgdatadir)/default
dist_default_DATA = etc/basewatch.yaml
defaultwatchersdir = $(defaultdir)/watchers
dist_defaultwatchers_DATA = etc/watchers/usage.yaml
defaultplaysdir = $(defaultdir)/plays
dist_defaultplays_DATA = etc/plays/_gates.yaml etc/plays/_journey.yaml etc/plays/_readiness.yaml \
  etc/plays/adoption-upsell.yaml etc/plays/champion-followed.yaml etc/plays/champion-joined.yaml \
  etc/plays/champion-left.yaml etc/plays/coverage.yaml etc/plays/cross-sell.yaml etc/plays/first-review.yaml \
  etc/plays/free-to-paid.yaml etc/plays/growth-conversation.yaml etc/plays/health-first.yaml \
  etc/plays/inbound-request.yaml etc/plays/judgement.yaml etc/plays/protect-and-expand.yaml etc/plays/renewal-at-risk.yaml \
  etc/plays/renewal-expand.yaml etc/plays/renewal-opening.yaml etc/plays/revival.yaml etc/plays/seat-expansion.yaml \
  etc/plays/tier-upgrade.yaml etc/plays/usage-expansion.yaml
defaultroutesdir = $(defaultdir)/routes
dist_defaultroutes_DATA = etc/routes/00-roles.yaml etc/routes/00-settings.yaml etc/routes/05-people.yaml \
  etc/routes/10-default.yaml
defaulttemplatesdir = $(defaultdir)/templates
dist_defaulttemplates_DATA = etc/templates/_limit.txt etc/templates/_signature.txt etc/templates/_team.txt etc/templates/_value.txt \
  etc/templates/_why.txt etc/templates/adoption-upsell.txt etc/templates/champion-changed.txt \
  etc/templates/champion-followed.txt etc/templates/champion-joined.txt etc/templates/champion-left.txt \
  etc/templates/coverage.txt etc/templates/cross-sell-colleague.txt etc/templates/cross-sell.txt \
  etc/templates/first-review.txt etc/templates/free-to-paid.txt etc/templates/growth-conversation.txt \
  etc/templates/health-first.txt etc/templates/inbound-answer.txt etc/templates/inbound-request.txt \
  etc/templates/protect-and-expand.txt etc/templates/renewal-at-risk.txt etc/templates/renewal-expand.txt \
  etc/templates/renewal-opening.txt etc/templates/revival-budget.txt etc/templates/revival-buyer.txt \
  etc/templates/revival-capability.txt etc/templates/revival-competitor.txt etc/templates/revival-return.txt \
  etc/templates/revival-timing.txt etc/templates/risk-help.txt etc/templates/seat-expansion.txt \
  etc/templates/seat-order.txt etc/templates/self-serve.txt etc/templates/tier-order.txt \
  etc/templates/tier-upgrade.txt etc/templates/usage-expansion.txt etc/templates/usage-growth.txt etc/templates/usage-limit.txt
