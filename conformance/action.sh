#!/usr/bin/env bash
# action: cni-conformance as a step of a CI job: a table in the log, JUnit's XML and a page in $REPORTS, an annotation for
# each check that fails and a summary where GitHub shows them.
#
#   PROGRAM=cni-conformance PLUGIN=... [CONFIG=... PROFILE=... BASELINE=... ARGUMENTS=... REPORTS=... PAGE=...] action.sh
#
# Exit status: that of cni-conformance.
set -euo pipefail

reports=${REPORTS:-cni-conformance}
mkdir -p "$reports"

arguments=(--plugin "$PLUGIN" --write "junit=$reports/junit_cni-conformance.xml" --write "markdown=$reports/summary.md")
arguments+=(--write "tap=$reports/report.tap")
[[ ${CONFIG:-} ]] && arguments+=(--config "$CONFIG")
[[ ${PROFILE:-} ]] && arguments+=(--profile "$PROFILE")
[[ ${BASELINE:-} ]] && arguments+=(--baseline "$BASELINE")
read -ra more <<<"${ARGUMENTS:-}"

# It makes network namespaces.
as_root=()
((EUID == 0)) || as_root=(sudo)
status=0
"${as_root[@]}" "$PROGRAM" "${arguments[@]}" "${more[@]}" || status=$?

if [[ ${GITHUB_ACTIONS:-} && -e $reports/report.tap ]]; then
  sed -n '/# TODO/d; s/^not ok [0-9]* - /::error title=CNI conformance::/p' "$reports/report.tap"
fi
if [[ ${GITHUB_STEP_SUMMARY:-} && -e $reports/summary.md ]]; then
  # A job's page has no neighbours that a link could lead to.
  sed "s|](CHECKS.md#|](${PAGE:-CHECKS.md}#|" "$reports/summary.md" >>"$GITHUB_STEP_SUMMARY"
fi
exit "$status"
