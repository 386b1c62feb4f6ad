// Prepares a photo for upload: checks its quality and resizes it to the pixels that the server uses.

const LONGEST_SIDE = 640; // pixels; blur and brightness are measured at this size
const SMALL_SIDE = 320; // the same as the server's check
const DARK_BELOW = 0.14; // mean brightness 0–1, the same as the server's check
/** Variance of the Laplacian divided by that of the grey values: blur removes fine detail at any contrast. The minimum of
 * the project's 38 shop and code photos is 0.022; blurred by 2 % of their longer side, all have less than 0.008. */
const BLURRED_BELOW = 0.008;
const FLAT_BELOW = 60; // variance of grey values; below, sharpness cannot be measured

/** Minimum size after resizing: people zoom into stored photos. */
const KEPT_PIXELS = 1600 * 1200;
/** Codes are searched at full resolution: this is the size of a usual phone photo. */
const CODE_PIXELS = 12_600_000;
const WORTH = 1.3; // resizing by less does not justify a second compression
const QUALITY = 0.92;

/** Check a photo: `{decodable, width, height, advice}`; advice has the codes blurred, too_dark, low_resolution.
 *
 * EXIF orientation is respected. A photo that the browser cannot decode (mostly HEIC) is left to the server. */
export async function inspect(blob) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" });
  } catch {
    return { decodable: false, width: 0, height: 0, advice: [] };
  }
  const { width, height } = bitmap;
  const measured = measure(bitmap);
  bitmap.close();
  const problems = {
    blurred: measured.contrast > FLAT_BELOW && measured.sharpness < BLURRED_BELOW,
    too_dark: measured.brightness < DARK_BELOW,
    low_resolution: Math.min(width, height) < SMALL_SIDE,
  };
  return { decodable: true, width, height, ...measured, advice: Object.keys(problems).filter((code) => problems[code]) };
}

/** Sharpness, contrast (variance of the grey values) and brightness (0–1) of a picture. */
export function measure(picture) {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  const width = Math.max(3, Math.round(picture.width * scale));
  const height = Math.max(3, Math.round(picture.height * scale));
  const context = canvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no drawing context: the browser is out of memory");
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const grey = new Float32Array(width * height);
  for (let i = 0; i < grey.length; i++) grey[i] = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
  const light = spread(grey);
  const edges = new Float32Array((width - 2) * (height - 2));
  let n = 0;
  for (let y = 1; y < height - 1; y++)
    for (let x = 1, i = y * width + 1; x < width - 1; x++, i++) edges[n++] = grey[i - 1] + grey[i + 1] + grey[i - width] + grey[i + width] - 4 * grey[i];
  return { sharpness: spread(edges).variance / Math.max(1, light.variance), contrast: light.variance, brightness: light.mean / 255 };
}

function spread(values) {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / values.length;
  return { mean, variance: squares / values.length - mean * mean };
}

/** The number of pixels to send for a task. */
export const pixelsFor = (task) => (task.uses_codes ? CODE_PIXELS : Math.max(task.pixel_budget, KEPT_PIXELS));

/** The photo, or a smaller JPEG if the server would resize it too. The EXIF data (time of the photo) is preserved. `seen`
 * is the result of `inspect`. */
export async function shrink(blob, seen, task) {
  const most = pixelsFor(task);
  if (!seen.decodable || seen.width * seen.height < most * WORTH) return blob;
  const scale = Math.sqrt(most / (seen.width * seen.height));
  const width = Math.round(seen.width * scale);
  const height = Math.round(seen.height * scale);
  try {
    const bitmap = await createImageBitmap(blob, { imageOrientation: "from-image", resizeWidth: width, resizeHeight: height, resizeQuality: "high" });
    const drawn = canvas(width, height);
    drawn.getContext("2d")?.drawImage(bitmap, 0, 0, width, height);
    bitmap.close();
    const smaller = await new Promise((resolve) => drawn.toBlob(resolve, "image/jpeg", QUALITY));
    if (!smaller || smaller.size >= blob.size) return blob;
    const notes = await cameraNotes(blob);
    return notes ? new Blob([smaller.slice(0, 2), notes, smaller.slice(2)], { type: "image/jpeg" }) : smaller;
  } catch {
    return blob; // too large for this device; the server can resize it
  }
}

function canvas(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}

/** A JPEG's EXIF segment with its orientation set to upright, as the drawn pixels are; null if there is none. */
export async function cameraNotes(blob) {
  const head = new DataView(await blob.slice(0, 1 << 18).arrayBuffer());
  if (head.byteLength < 4 || head.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; at + 10 <= head.byteLength; ) {
    const marker = head.getUint16(at);
    const length = head.getUint16(at + 2) + 2;
    if (marker >> 8 !== 0xff || marker === 0xffda) return null;
    if (marker === 0xffe1 && head.getUint32(at + 4) === 0x45786966) {
      if (at + length > head.byteLength) return null;
      const segment = head.buffer.slice(at, at + length);
      return setUpright(new DataView(segment)) ? segment : null;
    }
    at += length;
  }
  return null;
}

function setUpright(exif) {
  const start = 10; // marker, length, "Exif\0\0"
  try {
    const little = exif.getUint16(start) === 0x4949;
    const directory = start + exif.getUint32(start + 4, little);
    const entries = exif.getUint16(directory, little);
    for (let i = 0; i < entries; i++) {
      const entry = directory + 2 + 12 * i;
      if (exif.getUint16(entry, little) === 0x0112) exif.setUint16(entry + 8, 1, little);
    }
    return true;
  } catch {
    return false; // leave a broken segment out
  }
}
