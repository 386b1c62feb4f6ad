// The scan view.

import { h } from "../dom.js";

export async function mount(root) {
  root.append(h("h1", { t: "nav.scan" }));
}
