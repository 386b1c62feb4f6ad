// Loads modules that the first paint does not need; retries while the server is unreachable.

import { online } from "./api.js";

const TRIES = 3; // with a reachable server; after that the module itself is broken

/** The result of `load()`, an `import()`; waits while the server is unreachable. Raises the error of the last try. */
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
