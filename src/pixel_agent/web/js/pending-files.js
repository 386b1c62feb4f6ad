// Passes photos from one view to another: many photos dropped on the scan view become a batch.

let left = [];

export const handoff = {
  give(files) {
    left = [...files];
  },
  /** Return the files and forget them. */
  take() {
    const files = left;
    left = [];
    return files;
  },
};
