// Shared state of a photo's boxes and a table's rows: the hovered and the selected one.

/** One per reading. Ids are `items:3`, `findings:0`, `alerts:1`. Listeners get {kind: 'hover' | 'select', id, from}. */
export function createLink() {
  const listeners = new Set();
  const state = { hovered: null, selected: null };

  function change(kind, key, id, from) {
    if (state[key] === id) return;
    state[key] = id;
    for (const listener of listeners) listener({ kind, id, from });
  }

  return {
    get hovered() {
      return state.hovered;
    },
    get selected() {
      return state.selected;
    },
    hover: (id, from) => change("hover", "hovered", id, from),
    select: (id, from) => change("select", "selected", id, from),
    on(listener, signal) {
      listeners.add(listener);
      signal?.addEventListener("abort", () => listeners.delete(listener), { once: true });
    },
  };
}
