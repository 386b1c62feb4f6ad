// Reviews of a reading: sends them to the server and undoes them.

import { send } from "../api.js";
import { dialog } from "../dialog.js";
import { h, toast } from "../dom.js";
import { errorWords } from "../errors.js";
import { t } from "../i18n.js";
import { prefs } from "../prefs.js";
import { offerUndo } from "../undo.js";

/** The reviewer's name, asked for once; null if the user cancels. */
export async function reviewer(signal) {
  const known = prefs.get("reviewer");
  if (known) return known;
  const input = h("input", { class: "pix-field", maxlength: "200", autocomplete: "name", required: true, id: "reviewer-name" });
  const form = h("form", { class: "stack" }, h("label", { for: "reviewer-name" }, t("reading.who_why")), input);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim()) form.closest("dialog").querySelector("button.primary").click();
  });
  const actions = [
    { label: t("reading.cancel"), value: null },
    { label: t("reading.who_ok"), value: true, kind: "primary" },
  ];
  queueMicrotask(() => input.focus());
  const go = await dialog({ title: t("reading.who"), body: form, actions, signal });
  const name = input.value.trim();
  if (!go || !name) return null;
  prefs.set("reviewer", name);
  return name;
}

const path = (id) => `/v1/scans/${encodeURIComponent(id)}/reviews`;

/** Sends reviews one by one; calls `changed(record)` with each answer. Offers to undo all of them. */
export async function review(record, entries, { message, changed, signal }) {
  const by = await reviewer(signal);
  if (by === null) return false;
  const made = [];
  let now = record;
  try {
    for (const entry of entries) {
      now = await send("POST", path(record.scan_id), { ...entry, by });
      made.push(Math.max(...now.reviews.map((one) => one.id)));
    }
  } catch (error) {
    failed(error);
  }
  if (made.length === 0) return false;
  changed(now);
  offerUndo(message, { undo: () => takeBack(now, made, changed) });
  return true;
}

/** Undoes reviews, the last one first. */
export async function takeBack(record, ids, changed) {
  let now = record;
  try {
    for (const id of [...ids].reverse()) now = await send("DELETE", `${path(record.scan_id)}/${id}`);
  } catch (error) {
    failed(error);
  }
  if (now !== record) changed(now);
}

function failed(error) {
  if (error.name === "AbortError") return;
  toast(errorWords(error, "reading"), { kind: "fail" });
}
