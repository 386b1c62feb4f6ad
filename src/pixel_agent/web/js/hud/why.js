// Translates the scheduling policy's reason for its last decision; the server sends one of a few English sentences.

import { lang, t } from "../i18n.js";

/** @type {[RegExp, (found: any) => string][]} */
const FORMS = [
  [/^(?<n>\d+) of (?<waiting>\d+) waiting, led by (?<aged>aged )?(?<rank>\w+): (?<rest>.+)$/, batch],
  [/^(?<n>\d+) waiting: others use the device/, (found) => t("why.others", found)],
  [/^(?<n>\d+) waiting: (?<m>\d+) more are coming back$/, (found) => t("why.returning", found)],
  [/^(?<n>\d+) waiting: the next is expected in (?<ms>\d+) ms$/, (found) => t("why.next", found)],
];
/** @type {[RegExp, string][]} */
const REASONS = [
  [/^full at (?<n>\d+) items$/, "why.full"],
  [/^full at (?<n>\d+) items, as set$/, "why.full_set"],
  [/^full at (?<n>\d+) items, for half of the response time$/, "why.full_slo"],
  [/^no other fits with them$/, "why.no_other"],
  [/^all that wait$/, "why.all"],
  [/^small, for the tightest deadline$/, "why.small"],
  [/^(?<n>\d+) left out who would be late$/, "why.left_out"],
];

/** The translated reason; the server's text if its form is not known. */
export function reason(why) {
  if (lang() === "en") return why;
  for (const [form, write] of FORMS) {
    const found = form.exec(why);
    if (found) return write(found.groups);
  }
  return why;
}

function batch({ n, waiting, aged, rank, rest }) {
  const name = t(`operator.class.${rank}`);
  const found = REASONS.find(([form]) => form.test(rest));
  const because = found ? t(found[1], found[0].exec(rest)?.groups) : rest;
  return t("why.batch", { n, waiting, class: aged ? t("why.aged", { class: name }) : name, why: because });
}
