// The service worker: keeps the shell for when nobody answers, and sends kept photos when the network comes back.
//
// The shell is asked of the server first; what is kept is used only when the server is not there. Answers of the API and
// photos are never kept. The server fills in the line below: every file of the shell, and a hash of them all, so that a
// new shell is a new worker.

import { flush } from "/app/js/outbox-store.js";

const SHELL = { version: "none", files: [] };
const CACHE = `pixel-agent-shell-${SHELL.version}`;
const PATIENCE_MS = 4000;
const SLOW_MS = 30_000;

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
let slowUntil = 0; // after one answer that took too long, the next come from the cache at once

worker.addEventListener("install", (event) => event.waitUntil(keepShell()));

worker.addEventListener("activate", (event) => event.waitUntil(forgetOthers().then(() => worker.clients.claim())));

worker.addEventListener("message", (event) => {
  if (event.data === "take over") worker.skipWaiting();
});

worker.addEventListener("sync", (/** @type {any} */ event) => {
  if (event.tag === "outbox") event.waitUntil(sendKept());
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== worker.location.origin) return;
  if (pathname === "/" && request.mode === "navigate") event.respondWith(serverFirst(request, "/"));
  else if (pathname.startsWith("/app/") || pathname === "/manifest.webmanifest") event.respondWith(serverFirst(request, pathname));
});

async function keepShell() {
  const cache = await caches.open(CACHE);
  await cache.addAll(SHELL.files.map((file) => new Request(file, { cache: "no-cache" })));
}

async function forgetOthers() {
  for (const name of await caches.keys()) if (name.startsWith("pixel-agent-shell-") && name !== CACHE) await caches.delete(name);
}

async function serverFirst(request, key) {
  const kept = () => caches.open(CACHE).then((cache) => cache.match(key));
  if (Date.now() < slowUntil) {
    const found = await kept();
    if (found) return found;
  }
  const asked = fetch(request);
  asked.catch(() => {}); // it may fail after nobody waits for it any more
  let timer;
  const tired = new Promise((resolve) => (timer = setTimeout(() => resolve(null), PATIENCE_MS)));
  try {
    const answer = await Promise.race([asked, tired]);
    if (answer && answer.status < 500) return answer;
    const found = await kept();
    if (answer === null && found) slowUntil = Date.now() + SLOW_MS;
    return found ?? answer ?? (await asked);
  } catch (error) {
    const found = await kept();
    if (found) return found;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function sendKept() {
  const wait = await flush();
  if (wait !== null) throw new Error("not all were sent"); // the browser tries again later
}
