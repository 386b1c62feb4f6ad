// Modules that the first paint can do without, fetched also where the server is away in just that moment.

import { online } from "./api.js";

const TRIES = 3; // while the server answers: then it is the module that is broken

/** What `load()`, an `import()`, gives; while nobody answers it waits until somebody does. Raises what stays wrong. */
export async function later(load) {
  for (let tries = 1; ; tries++) {
    try {
      return await load();
    } catch (error) {
      if (!(error instanceof TypeError) || tries >= TRIES) throw error;
      online.set(false);
      await back();
    }
  }
}

/** @returns {Promise<void>} */
function back() {
  return new Promise((resolve) => {
    const heard = new AbortController();
    online.subscribe((up) => up && (heard.abort(), resolve()), heard.signal);
  });
}
