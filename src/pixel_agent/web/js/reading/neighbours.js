// Remembers the list from which a reading was opened, for its links to the previous and next one. Stored per tab.

const KEY = "pixel-agent.list";

/** `ids` in the order of the list, `from` the hash of the list. */
export function keepList(ids, from) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ ids: ids.slice(0, 1000), from }));
  } catch {
    // no storage: the reading has no such links
  }
}

/** {previous, next, n, total, from} of a scan in the last list; null if the scan is not in it. */
export function neighboursOf(id) {
  const list = stored();
  const at = list.ids.indexOf(id);
  if (at < 0) return null;
  return { previous: list.ids[at - 1] ?? null, next: list.ids[at + 1] ?? null, n: at + 1, total: list.ids.length, from: list.from };
}

function stored() {
  try {
    const list = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
    return { ids: Array.isArray(list.ids) ? list.ids : [], from: String(list.from ?? "#/history") };
  } catch {
    return { ids: [], from: "#/history" };
  }
}
