// The catalogue of tasks as the server has it, in the person's language; asked for once a language.

import { getJSON } from "./api.js";
import { lang } from "./i18n.js";
import { has as hasSprite } from "./sprites.js";

const known = new Map();

/** All tasks, in the order they are shown. Raises ApiError. */
export function loadTasks({ fresh = false } = {}) {
  const wanted = lang();
  if (fresh || !known.has(wanted)) {
    const asked = getJSON(`/v1/tasks?lang=${wanted}`);
    asked.then((tasks) => (latest = tasks), () => known.delete(wanted));
    known.set(wanted, asked);
  }
  return known.get(wanted);
}
let latest = [];

/** A task's name in the language in use; its id as long as the catalogue is not there. */
export function taskName(id) {
  const task = latest.find((entry) => entry.id === id);
  return task ? task[lang()] : id;
}

/** The sprite of a task; tasks of the operator's own share one. */
export const taskSprite = (id) => (hasSprite(id) ? id : "task");
