// Loads the server's task catalogue, once for each language.

import { getJSON } from "./api.js";
import { lang } from "./i18n.js";
import { has as hasSprite } from "./sprites.js";

const known = new Map();

/** All tasks in display order; without a network those of the last visit. Raises ApiError. */
export function loadTasks({ fresh = false } = {}) {
  const wanted = lang();
  if (fresh || !known.has(wanted)) {
    const asked = ask(wanted);
    asked.then((tasks) => (latest = tasks), () => known.delete(wanted));
    known.set(wanted, asked);
  }
  return known.get(wanted);
}
let latest = [];

async function ask(wanted) {
  const place = `pixel-agent.tasks.${wanted}`;
  try {
    const tasks = await getJSON(`/v1/tasks?lang=${wanted}`);
    keep(place, JSON.stringify(tasks));
    return tasks;
  } catch (error) {
    const kept = error.status === 0 && keep(place);
    if (!kept) throw error;
    known.delete(wanted); // requested again at the next call
    return JSON.parse(kept);
  }
}

/** Store a text, or load the stored one: photos can be taken without a network, too.
 *
 * @param {string} place @param {string | null} words */
function keep(place, words = null) {
  try {
    if (words !== null) localStorage.setItem(place, words);
    return localStorage.getItem(place);
  } catch {
    return null;
  }
}

/** A task's name in the current language; its id until the catalogue is loaded. */
export function taskName(id) {
  const task = latest.find((entry) => entry.id === id);
  return task ? task[lang()] : id;
}

/** The sprite of a task; custom tasks share one. */
export const taskSprite = (id) => (hasSprite(id) ? id : "task");
