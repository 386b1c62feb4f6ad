// The user's preferences, stored in localStorage if available, else only for this visit.

const KEY = "pixel-agent.prefs";
const DEFAULTS = { lang: "", palette: "", clear: false, sound: false, storeId: "", task: "", reviewer: "" };

const listeners = new Set();
let values = { ...DEFAULTS, ...stored() };

function stored() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return found && typeof found === "object" ? found : {};
  } catch {
    return {};
  }
}

function tell(changed) {
  for (const listener of [...listeners]) listener(changed, values);
}

addEventListener("storage", (event) => {
  if (event.key !== KEY) return;
  values = { ...DEFAULTS, ...stored() };
  tell(Object.keys(DEFAULTS));
});

export const prefs = {
  get: (name) => values[name],

  set(name, value) {
    if (values[name] === value) return;
    values = { ...values, [name]: value };
    try {
      localStorage.setItem(KEY, JSON.stringify(values));
    } catch {
      // a private window or a full disk: the choice is lost with the page
    }
    tell([name]);
  },

  /** Call `listener(changedNames, allValues)` on changes until `signal` aborts. */
  subscribe(listener, signal) {
    listeners.add(listener);
    signal?.addEventListener("abort", () => listeners.delete(listener), { once: true });
  },
};
