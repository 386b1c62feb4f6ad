// The camera: a live picture in a dialog, and one photo at the camera's full resolution.

import { announce, focused, h, say, stylesheet } from "./dom.js";
import { add, t } from "./i18n.js";
import { beep } from "./sound.js";
import { sprite } from "./sprites.js";
import words from "./strings/camera.js";

add(words);

const WANTED = { width: { ideal: 4096 }, height: { ideal: 2160 } };
const TAKE_MS = 5000; // with some drivers takePhoto never resolves; then the visible frame is used
const QUALITY = 0.92;
const TROUBLE = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "none",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** Open the camera dialog. Resolves to the photo (a Blob), or to null if the user cancels or `signal` aborts.
 *
 * @param {{signal?: AbortSignal}} [options] */
export async function openCamera({ signal } = {}) {
  await stylesheet("camera");
  if (signal?.aborted) return null;
  return new Camera(signal).photo();
}

class Camera {
  /** @type {MediaStream | null} */
  stream;

  constructor(signal) {
    this.signal = signal;
    this.stream = null;
    this.cameras = [];
    this.deviceId = null;
    this.turn = 0; // number of the latest start; earlier ones are stale
    this.closing = new AbortController();
    this.build();
  }

  build() {
    const button = (name, key, click, kind = "") =>
      h("button", { type: "button", class: `pix-button camera-${name} ${kind}`, hidden: true, on: { click } }, sprite(name === "shutter" ? "camera" : name), h("span", { t: key }));
    this.video = h("video", { class: "camera-video", autoplay: true, playsinline: true, tLabel: "camera.preview" });
    this.video.muted = true;
    this.said = h("p", { class: "camera-said" });
    this.flip = button("flip", "camera.flip", () => this.next());
    this.torch = button("torch", "camera.torch", () => this.light());
    this.shutter = button("shutter", "camera.shutter", () => this.take(), "primary big");
    this.again = button("retry", "camera.again", () => this.start());
    this.input = h("input", { type: "file", accept: "image/*", capture: "environment", class: "unseen", tabindex: "-1", "aria-hidden": "true" });
    this.input.addEventListener("change", () => this.input.files.length && this.close(this.input.files[0]));
    this.file = button("upload", "camera.file", () => this.input.click());
    const cancel = button("close", "ui.cancel", () => this.close(null));
    cancel.hidden = false;
    this.stage = h("div", { class: "camera-stage" }, this.video);
    this.trouble = h("div", { class: "camera-trouble", hidden: true });
    this.node = h(
      "dialog",
      { class: "pix-panel pix-dialog wide camera", "aria-labelledby": "camera-title" },
      h("h2", { id: "camera-title", t: "camera.title" }),
      this.stage,
      this.trouble,
      this.said,
      this.input,
      h("div", { class: "pix-actions camera-actions" }, this.shutter, this.torch, this.flip, this.again, this.file, cancel),
    );
  }

  /** Open the dialog; resolves when a photo is taken or the dialog is cancelled. */
  photo() {
    const { signal } = this.closing;
    const before = focused();
    return new Promise((resolve) => {
      this.resolve = (photo) => {
        this.stop();
        this.closing.abort();
        if (this.node.open) this.node.close();
        this.node.remove();
        if (before?.isConnected) before.focus();
        resolve(photo);
      };
      this.node.addEventListener("cancel", (event) => (event.preventDefault(), this.close(null)), { signal });
      this.signal?.addEventListener("abort", () => this.close(null), { signal });
      addEventListener("pagehide", () => this.stop(), { signal });
      // The camera must not record while the page is hidden.
      document.addEventListener("visibilitychange", () => (document.hidden ? this.stop() : this.start()), { signal });
      document.body.append(this.node);
      this.node.showModal();
      void this.start();
      void this.watchPermission(signal);
    });
  }

  close(photo) {
    this.resolve?.(photo);
    this.resolve = null;
  }

  stop() {
    this.turn += 1;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
  }

  async start() {
    this.stop();
    const turn = this.turn;
    this.show("starting");
    if (!navigator.mediaDevices?.getUserMedia) return this.fail("insecure");
    try {
      const stream = await this.ask();
      if (turn !== this.turn || this.resolve === null) return stream.getTracks().forEach((track) => track.stop());
      this.stream = stream;
      this.video.srcObject = stream;
      await this.video.play();
      if (turn !== this.turn) return;
      const track = stream.getVideoTracks()[0];
      track.addEventListener("ended", () => turn === this.turn && this.fail("busy"));
      await this.live(track);
    } catch (error) {
      if (turn === this.turn) this.fail(TROUBLE[error.name] ?? "busy");
    }
  }

  /** Start the camera chosen before, else the rear one, else any camera. */
  async ask() {
    const which = this.deviceId ? { deviceId: { exact: this.deviceId } } : { facingMode: { ideal: "environment" } };
    try {
      return await navigator.mediaDevices.getUserMedia({ video: { ...which, ...WANTED }, audio: false });
    } catch (error) {
      if (error.name !== "OverconstrainedError") throw error;
      return navigator.mediaDevices.getUserMedia({ video: true, audio: false });
    }
  }

  async live(track) {
    const turn = this.turn;
    const devices = await navigator.mediaDevices.enumerateDevices();
    if (turn !== this.turn) return;
    this.cameras = devices.filter((device) => device.kind === "videoinput");
    this.deviceId = track.getSettings?.().deviceId ?? null;
    this.node.classList.toggle("mirrored", track.getSettings?.().facingMode === "user");
    this.show("live");
    this.flip.hidden = this.cameras.length < 2;
    this.torch.hidden = !track.getCapabilities?.().torch;
    this.torch.setAttribute("aria-pressed", "false");
    this.shutter.focus();
  }

  next() {
    const at = this.cameras.findIndex((camera) => camera.deviceId === this.deviceId);
    const index = (at + 1) % this.cameras.length;
    const chosen = this.cameras[index];
    this.deviceId = chosen.deviceId;
    announce(t("camera.flipped", { name: chosen.label || t("camera.nameless", { number: index + 1 }) }));
    return this.start();
  }

  async light() {
    const on = this.torch.getAttribute("aria-pressed") !== "true";
    try {
      const torch = /** @type {MediaTrackConstraintSet} */ ({ torch: on }); // missing in TypeScript's own type
      await this.stream?.getVideoTracks()[0].applyConstraints({ advanced: [torch] });
      this.torch.setAttribute("aria-pressed", String(on));
    } catch {
      this.torch.hidden = true; // the driver reports a torch that does not work
    }
  }

  async take() {
    const track = this.stream?.getVideoTracks()[0];
    if (!track || this.shutter.disabled) return;
    this.shutter.disabled = true;
    say(this.said, "camera.taking");
    try {
      const photo = (await fullPhoto(track)) ?? (await frame(this.video));
      beep("shutter");
      this.close(photo);
    } catch {
      say(this.said, "camera.failed_how");
      announce(`${t("camera.failed")} ${t("camera.failed_how")}`, { assertive: true });
      this.file.hidden = false;
    } finally {
      this.shutter.disabled = false;
    }
  }

  show(state) {
    const live = state === "live";
    this.trouble.hidden = true;
    this.stage.hidden = false;
    this.node.classList.toggle("live", live);
    this.shutter.hidden = !live;
    for (const button of [this.flip, this.torch, this.again, this.file]) button.hidden = true;
    say(this.said, `camera.${state}`);
    if (live) announce(t("camera.live"));
  }

  fail(why) {
    this.stop();
    this.stage.hidden = true;
    for (const button of [this.flip, this.torch, this.shutter]) button.hidden = true;
    this.trouble.replaceChildren(sprite("warn", { size: 36 }), h("h3", { t: `camera.${why}` }), h("p", { t: `camera.${why}_how` }));
    this.trouble.hidden = false;
    this.said.textContent = "";
    this.again.hidden = why === "insecure";
    this.file.hidden = false;
    this.file.classList.add("primary");
    announce(`${t(`camera.${why}`)}. ${t(`camera.${why}_how`)}`, { assertive: true });
    (this.again.hidden ? this.file : this.again).focus();
  }

  /** Start automatically when the user grants the permission in the browser's menu. */
  async watchPermission(signal) {
    try {
      const permission = await navigator.permissions.query({ name: "camera" });
      permission.addEventListener("change", () => permission.state === "granted" && !this.stream && this.start(), { signal });
    } catch {
      // not every browser reports permissions
    }
  }
}

/** A photo at the sensor's full resolution if the browser supports it, else null. */
async function fullPhoto(track) {
  if (typeof ImageCapture === "undefined") return null;
  try {
    const capture = new ImageCapture(track);
    const able = await within(capture.getPhotoCapabilities(), TAKE_MS);
    const size = able.imageWidth?.max ? { imageWidth: able.imageWidth.max, imageHeight: able.imageHeight.max } : {};
    const photo = await within(capture.takePhoto(size), TAKE_MS);
    return photo?.size && /^image\/(jpeg|png|webp)$/.test(photo.type) ? photo : null;
  } catch {
    return null;
  }
}

/** The current video frame at the resolution of the stream. */
async function frame(video) {
  const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  const photo = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  if (!photo) throw new Error("no picture");
  return photo;
}

function within(promise, ms) {
  return Promise.race([promise, new Promise((_, reject) => setTimeout(() => reject(new Error("too slow")), ms))]);
}
