// A zip file without compression (APPNOTE 6.3.3): audio hardly shrinks, and what is stored needs no library.

const UTF8 = 0x0800, DOS_1980 = 0x21;
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let c = 0xffffffff;
  for (const byte of bytes) c = TABLE[(c ^ byte) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** @param {[number, number][]} fields value and size in bytes, little-endian */
function packed(fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [, size]) => sum + size, 0)));
  let at = 0;
  for (const [value, size] of fields) {
    size === 4 ? view.setUint32(at, value, true) : view.setUint16(at, value, true);
    at += size;
  }
  return new Uint8Array(view.buffer);
}

/** @param {{name: string, blob: Blob}[]} files whose names differ; under 4 GB together @returns {Promise<Blob>} */
export async function zipOf(files) {
  const body = [], directory = [];
  let at = 0, listed = 0;
  for (const { name, blob } of files) {
    const title = new TextEncoder().encode(name), crc = crc32(new Uint8Array(await blob.arrayBuffer()));
    /** @type {[number, number][]} */
    const common = [[20, 2], [UTF8, 2], [0, 2], [0, 2], [DOS_1980, 2], [crc, 4], [blob.size, 4], [blob.size, 4], [title.length, 2], [0, 2]];
    body.push(packed([[0x04034b50, 4], ...common]), title, blob);
    directory.push(packed([[0x02014b50, 4], [20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [at, 4]]), title);
    at += 30 + title.length + blob.size;
    listed += 46 + title.length;
  }
  const end = packed([[0x06054b50, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [listed, 4], [at, 4], [0, 2]]);
  return new Blob([...body, ...directory, end], { type: "application/zip" });
}

/** Names that differ: a (2).wav. @param {string[]} names @returns {string[]} */
export function distinct(names) {
  /** @type {Set<string>} */
  const used = new Set();
  return names.map((name) => {
    const [, stem, ending] = /** @type {RegExpMatchArray} */ (name.match(/^(.*?)(\.[^.]*)?$/s));
    let free = name;
    for (let n = 2; used.has(free); n++) free = `${stem} (${n})${ending ?? ""}`;
    used.add(free);
    return free;
  });
}
