// Short synthesised square-wave beeps. Off by default.

import { prefs } from "./prefs.js";

// Notes as [frequency in Hz, length in seconds].
const TUNES = {
  move: [[440, 0.03]],
  select: [[660, 0.05], [880, 0.06]],
  start: [[330, 0.06], [440, 0.06], [550, 0.08]],
  found: [[660, 0.07], [880, 0.07], [1320, 0.14]],
  retake: [[440, 0.1], [330, 0.16]],
  fail: [[220, 0.16], [165, 0.22]],
  shutter: [[1400, 0.02], [700, 0.03]],
};
const VOLUME = 0.04;

let context = null;

export function beep(name) {
  const tune = TUNES[name];
  if (!prefs.get("sound") || !tune || typeof AudioContext === "undefined") return;
  context ??= new AudioContext();
  void context.resume();
  let at = context.currentTime;
  for (const [frequency, length] of tune) {
    const tone = context.createOscillator();
    const level = context.createGain();
    tone.type = "square";
    tone.frequency.value = frequency;
    level.gain.setValueAtTime(VOLUME, at);
    level.gain.setValueAtTime(0, at + length * 0.9);
    tone.connect(level).connect(context.destination);
    tone.start(at);
    tone.stop(at + length);
    at += length;
  }
}
