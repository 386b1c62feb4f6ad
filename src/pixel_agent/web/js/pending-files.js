// Photos that one view leaves for another: a heap dropped on the scan view becomes a batch.

let left = [];

export const handoff = {
  give(files) {
    left = [...files];
  },
  /** The files, once. */
  take() {
    const files = left;
    left = [];
    return files;
  },
};
