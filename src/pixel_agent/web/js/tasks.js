// The catalogue of tasks as the server has it, in the person's language; asked for once a language.

import { getJSON } from "./api.js";
import { lang } from "./i18n.js";
import { has as hasSprite } from "./sprites.js";

const known = new Map();

/** All tasks, in the order they are shown; without a network those of the last visit. Raises ApiError. */
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
    known.delete(wanted); // asked again at the next look
    return JSON.parse(kept);
  }
}

/** Put words by, or fetch what was put by: photos are taken without a network, too.
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

/** A task's name in the language in use; its id as long as the catalogue is not there. */
export function taskName(id) {
  const task = latest.find((entry) => entry.id === id);
  return task ? task[lang()] : id;
}

/** The sprite of a task; tasks of the operator's own share one. */
export const taskSprite = (id) => (hasSprite(id) ? id : "task");
