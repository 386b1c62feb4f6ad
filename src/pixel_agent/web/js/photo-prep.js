// A photo before its upload: can it be read, and is it larger than anybody will look at.

const LONGEST_SIDE = 640; // pixels at which blur and light are judged
const SMALL_SIDE = 320; // as the server's own check
const DARK_BELOW = 0.14; // mean brightness 0–1, as the server's own check
/** Variance of the Laplacian over that of the grey values: a blur takes fine detail away, whatever the contrast. Of the
 * project's 38 shop and code photos the least has 0.022; blurred by 2 % of their longer side all have less than 0.008. */
const BLURRED_BELOW = 0.008;
const FLAT_BELOW = 60; // variance of grey values below which there is nothing to judge by

/** What people still see when they zoom into a record: never shrunk below. */
const KEPT_PIXELS = 1600 * 1200;
/** Codes are looked for at full resolution: this is all that a phone's usual photo has. */
const CODE_PIXELS = 12_600_000;
const WORTH = 1.3; // shrinking by less is not worth a second compression
const QUALITY = 0.92;

/** Look at a photo: `{decodable, width, height, advice}`, advice being codes: blurred, too_dark, low_resolution.
 *
 * EXIF orientation is respected. What the browser cannot decode (HEIC mostly) is left to the server. */
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

/** The pixels that are worth sending for a task. */
export const pixelsFor = (task) => (task.uses_codes ? CODE_PIXELS : Math.max(task.pixel_budget, KEPT_PIXELS));

/** The photo, or a smaller JPEG of it where the server would shrink it anyway. The camera's notes (when it was taken) are
 * kept. `seen` is what `inspect` gave. */
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
    return blob; // too large for this device: the server can
  }
}

function canvas(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}

/** A JPEG's EXIF segment with its orientation set to upright, since that is what was drawn; null where there is none. */
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
    return false; // a broken segment is better left out
  }
}
