// A reading as plain text, for the clipboard and for downloads.

import { focused } from "../dom.js";
import { t, when } from "../i18n.js";
import { columnsOf, isSaid, PARTS, wordsOf } from "../rows.js";
import { taskName } from "../tasks.js";
import { said } from "./tags.js";

/** The reading as plain text for a message. */
export function plainText(record, reading, task) {
  const head = [taskName(record.task), record.store_id, record.received_at && when(record.received_at), said("status", record.status)];
  const lines = [head.filter(Boolean).join(" · ")];
  if (reading?.simulated) lines.push(`(${t("reading.simulated_why")})`);
  if (reading?.summary) lines.push(reading.summary);
  for (const alert of reading?.alerts ?? []) lines.push(`! ${said("severity", alert.severity)}: ${alert.message}`);
  for (const part of PARTS) {
    const rows = reading?.[part] ?? [];
    if (rows.length) lines.push("", t(`reading.${part}`));
    const columns = columnsOf(task, rows);
    rows.forEach((row, index) => lines.push(`${index + 1}. ${rowText(row, columns)}`));
  }
  for (const warning of reading?.warnings ?? []) lines.push(`- ${warning.message}`);
  return lines.join("\n");
}

function rowText(row, columns) {
  const pairs = columns.filter((column) => isSaid(row[column.field]));
  return pairs.map((column) => `${column.name}: ${column.field === "severity" ? said("severity", row.severity) : wordsOf(row[column.field], column, row)}`).join("; ");
}

/** Copies a text to the clipboard; false if the browser does not allow it. */
export async function copy(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    return copyOldWay(words);
  }
}

function copyOldWay(words) {
  const field = document.createElement("textarea");
  field.value = words;
  field.className = "unseen";
  const before = focused();
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  before?.focus();
  return done;
}

/** Saves a text as a file. */
export function save(name, words, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([words], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
