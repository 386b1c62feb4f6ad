// The view of batches (many photos, one task): `#/batches` lists and creates them, `#/batches/ID` shows one, live.

import { mountBatch } from "../batches/page.js";
import { mountList } from "../batches/list.js";
import { add } from "../i18n.js";
import batches from "../strings/batches.js";
import history from "../strings/history.js";
import reading from "../strings/reading.js";
import viewer from "../strings/viewer.js";

for (const words of [viewer, reading, history, batches]) add(words);

export function mount(root, { params, signal }) {
  return params.id ? mountBatch(root, params.id, signal) : mountList(root, signal);
}
