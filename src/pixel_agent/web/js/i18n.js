// Translations: texts in Chinese and English, and each language's formats for numbers, money and times.

import { prefs } from "./prefs.js";

const tables = { zh: {}, en: {} };
const listeners = new Set();

export const lang = () => (document.documentElement.lang === "en" ? "en" : "zh");

const locale = () => (lang() === "zh" ? "zh-CN" : "en-GB");

/** Add a view's texts: `{zh: {"view.key": "…"}, en: {…}}`. */
export function add(strings) {
  Object.assign(tables.zh, strings.zh);
  Object.assign(tables.en, strings.en);
}

export const has = (key) => key in tables[lang()];

/** The text of a key. `{name}` is replaced by a value; `{name?one:many}` is `one` if the value is 1, else `many`. */
export function t(key, values = {}) {
  const words = tables[lang()][key] ?? tables.zh[key] ?? key;
  return words.replace(/\{(\w+)(?:\?([^:}]*):([^}]*))?\}/g, (whole, name, one, many) => {
    if (one !== undefined) return values[name] === 1 ? one : many;
    return name in values ? String(values[name]) : whole;
  });
}

/** Switch the language and notify all listeners. */
export function setLang(wanted) {
  document.documentElement.lang = wanted === "en" ? "en" : "zh-CN";
  prefs.set("lang", lang());
  for (const listener of [...listeners]) listener(lang());
}

/** Call `listener(lang)` at each switch until `signal` aborts. */
export function onLang(listener, signal) {
  listeners.add(listener);
  signal?.addEventListener("abort", () => listeners.delete(listener), { once: true });
}

prefs.subscribe((changed, all) => {
  if (changed.includes("lang") && all.lang && all.lang !== lang()) setLang(all.lang);
});

export const number = (x, options = {}) =>
  x === null || x === undefined ? "–" : new Intl.NumberFormat(locale(), { maximumFractionDigits: 2, ...options }).format(x);

/** Money in the currency's format; an unknown currency code follows the number. */
export function money(x, currency) {
  if (x === null || x === undefined) return "–";
  const plain = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  try {
    return currency ? number(x, { style: "currency", currency, ...plain }) : number(x, plain);
  } catch {
    return `${number(x, plain)} ${currency}`;
  }
}

/** A moment (ISO 8601) in the browser's time zone. */
export function when(iso) {
  const moment = new Date(iso);
  if (!iso || Number.isNaN(moment.getTime())) return "–";
  const sameYear = moment.getFullYear() === new Date().getFullYear();
  return new Intl.DateTimeFormat(locale(), {
    ...(sameYear ? {} : { year: "numeric" }),
    ...{ month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  }).format(moment);
}

/** A duration in a suitable unit. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  const zh = lang() === "zh";
  if (ms < 1000) return `${Math.round(ms)} ${zh ? "毫秒" : "ms"}`;
  const s = ms / 1000;
  if (s < 60) return `${number(s, { maximumFractionDigits: s < 10 ? 1 : 0 })} ${zh ? "秒" : "s"}`;
  const minutes = Math.floor(s / 60);
  const rest = Math.round(s % 60);
  if (minutes < 60) return zh ? `${minutes} 分 ${rest} 秒` : `${minutes} min ${rest} s`;
  return zh ? `${Math.floor(minutes / 60)} 小时 ${minutes % 60} 分` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
