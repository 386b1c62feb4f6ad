// The list that a person came from, so that a reading knows what is before and after it. Lives as long as the tab.

const KEY = "pixel-agent.list";

/** `ids` in the order of the list, `from` the hash of the list. */
export function keepList(ids, from) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ ids: ids.slice(0, 1000), from }));
  } catch {
    // no storage: a reading simply has no neighbours
  }
}

/** {previous, next, n, total, from} of a scan in the list last seen; null where it is not in it. */
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
