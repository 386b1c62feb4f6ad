// Collects the photos of a batch: dropped files and folders, chosen folders, ZIP archives.

import { h } from "../dom.js";
import { number, t } from "../i18n.js";
import { sprite } from "../sprites.js";

const PHOTO = /\.(jpe?g|png|webp|hei[cf]|avif|bmp|tiff?|gif)$/i;
const ZIP = /\.zip$/i;
const LEFT_BEHIND = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$)/i;

/** Sorts files with their paths, [{file, path}], into {photos: [File], archives: [File], leftOut, folder}. */
export function sorted(found) {
  const photos = [];
  const archives = [];
  let leftOut = 0;
  const kept = found.filter(({ path }) => !LEFT_BEHIND.test(path));
  for (const { file, path } of kept) {
    if (ZIP.test(path) || file.type === "application/zip") archives.push(file);
    else if (PHOTO.test(path) || file.type.startsWith("image/")) photos.push(file);
    else leftOut += 1;
  }
  const folder = kept.map(({ path }) => path.split("/")).find((parts) => parts.length > 1)?.[0] ?? "";
  return { photos, archives, leftOut, folder };
}

/** All dropped files, folders included: [{file, path}]. `onCount(n)` reports the progress. */
export async function dropped(transfer, onCount = () => {}) {
  // The browser empties the list of items after the event: get all entries before the first await.
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? null);
  const files = items.map((item) => item.getAsFile());
  const found = [];
  for (const [at, entry] of entries.entries()) {
    if (entry) await walk(entry, found, onCount);
    else if (files[at]) found.push({ file: files[at], path: files[at].name });
  }
  return found;
}

async function walk(entry, found, onCount) {
  if (entry.isFile) {
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
    if (file) found.push({ file, path: entry.fullPath.replace(/^\//, "") });
    onCount(found.length);
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // A reader returns at most 100 entries at a time.
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (some.length === 0) return;
    for (const one of some) await walk(one, found, onCount);
  }
}

/** The files of an `<input type=file>`, with folders if the browser gives them. */
export function chosen(input) {
  return [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** The area to drop or choose photos. Calls `onFiles(sorted)`; `words`: keys of the title and the explanation. */
export function dropZone({ onFiles, words, signal }) {
  const note = h("p", { class: "drop__note", role: "status" });
  const pick = (more) => {
    const input = h("input", { type: "file", multiple: true, class: "unseen", tabindex: "-1", "aria-hidden": "true", ...more });
    input.addEventListener("change", () => {
      give(chosen(input));
      input.value = "";
    });
    return input;
  };
  const photos = pick({ accept: "image/*,.heic,.heif,.avif,.zip", "data-pick": "photos" });
  const folder = pick({ webkitdirectory: true, "data-pick": "folder" });
  const button = (input, key, picture) => h("button", { type: "button", class: "pix-button small", on: { click: () => input.click() } }, sprite(picture, { size: 24 }), h("span", { t: key }));
  const zone = h(
    "div",
    { class: "drop pix-well pix-dither" },
    sprite("folder", { size: 48 }),
    h("strong", { t: words[0] }),
    h("p", { t: words[1] }),
    h("div", { class: "pix-actions" }, button(photos, "batches.choose_photos", "photo"), button(folder, "batches.choose_folder", "folder")),
    photos,
    folder,
    note,
  );

  function give(found) {
    const files = sorted(found);
    note.textContent = files.photos.length + files.archives.length === 0 ? t("batches.none_chosen") : "";
    if (!note.textContent) onFiles(files);
  }

  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.dataset.over = "";
  });
  zone.addEventListener("dragleave", (event) => zone.contains(event.relatedTarget) || delete zone.dataset.over);
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    delete zone.dataset.over;
    const found = await dropped(event.dataTransfer, (n) => (note.textContent = t("batches.reading_folder", { n })));
    if (!signal?.aborted) give(found);
  });
  return zone;
}

/** A number of bytes in readable form. */
export function size(bytes) {
  return bytes < 1e6 ? `${number(Math.ceil(bytes / 1e3))} kB` : `${number(bytes / 1e6, { maximumFractionDigits: bytes < 1e7 ? 1 : 0 })} MB`;
}
