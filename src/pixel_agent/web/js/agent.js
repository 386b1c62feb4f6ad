// The animated agent in the header: shows the terminal's state.

import { prefs } from "./prefs.js";
import { say } from "./dom.js";
import { redraw, sprite } from "./sprites.js";

// Frames as [sprite, milliseconds]; a state without animation stays on its last frame.
const FRAMES = {
  idle: [["agent_idle", 2600], ["agent_blink", 140]],
  scanning: [["agent_scan_1", 260], ["agent_scan_2", 260]],
  found: [["agent_found", 420], ["agent_found_2", 420]],
  retake: [["agent_retake", 700], ["agent_retake_2", 300]],
  overloaded: [["agent_busy", 500], ["agent_busy_2", 500]],
  offline: [["agent_offline", 1000]],
};
const PASSING_MS = 6000;
/** Temporary states; the previous lasting state returns after PASSING_MS. */
const PASSING = new Set(["found", "retake", "overloaded"]);

const still = matchMedia("(prefers-reduced-motion: reduce)");
let picture = null;
let words = null;
let now = "idle";
let lasting = "idle";
let turn = 0;
let timer = 0;
let passing = 0;

export const agent = {
  /** Set the state: idle, scanning, found, retake, overloaded or offline. */
  state(name) {
    if (!(name in FRAMES)) return;
    clearTimeout(passing);
    if (!PASSING.has(name)) lasting = name;
    if (now === name) return;
    now = name;
    turn = 0;
    if (words) say(words, `agent.${now}`);
    if (PASSING.has(name)) passing = setTimeout(() => agent.state(lasting), PASSING_MS);
    show();
  },
  get: () => now,

  /** Show the agent in `place` (the picture) and `caption` (its text). */
  mount(place, caption) {
    picture = sprite("agent_idle", { size: 48 });
    place.replaceChildren(picture);
    words = caption;
    if (words) say(words, `agent.${now}`);
    show();
  },
};

function show() {
  clearTimeout(timer);
  if (!picture) return;
  const frames = FRAMES[now];
  const [name, ms] = frames[turn % frames.length];
  redraw(picture, name);
  picture.closest("[data-agent]")?.setAttribute("data-agent", now);
  if (frames.length > 1 && !still.matches && !prefs.get("clear")) {
    timer = setTimeout(() => {
      turn += 1;
      show();
    }, ms);
  }
}

still.addEventListener("change", show);
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : show()));
