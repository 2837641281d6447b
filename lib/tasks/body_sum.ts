/**
 * A cheap checksum of a body that comes in parts: Fletcher's (J. G. Fletcher, IEEE Transactions on
 * Communications 30(1), 1982) over 32-bit words, modulo 2³². It runs at the speed of memory and tells pages
 * apart, but gives no protection against manipulation.
 */

const WORD = 4;
/**
 * So many words are added up as doubles, which stay exact that long, and only then cut to 32 bits. Cut at each
 * word, sums are quick while all bodies are large; but once they differ V8 takes four times as long, for good.
 */
const BLOCK_WORDS = 1024;

const NO_BYTES = new Uint8Array();

/** The whole words of the bytes; they are copied if they don't begin at a multiple of 4. */
function wordsOf(bytes: Uint8Array): Int32Array {
  const aligned = bytes.byteOffset % WORD === 0 ? bytes : bytes.slice();
  return new Int32Array(aligned.buffer, aligned.byteOffset, Math.floor(aligned.length / WORD));
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}

/** Sums up a body, independently of how it is cut into parts. */
export class BodySum {
  bytes = 0;
  #sum = 1;
  #sumOfSums = 0;
  /** The bytes after the last whole word. */
  #rest: Uint8Array = NO_BYTES;

  add(part: Uint8Array): void {
    this.bytes += part.length;
    let bytes = part;
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + part.length);
      bytes.set(this.#rest);
      bytes.set(part, this.#rest.length);
    }
    const words = wordsOf(bytes);
    this.#addWords(words);
    const end = words.length * WORD;
    // Copied, because the memory of the part may be used again.
    this.#rest = end === bytes.length ? NO_BYTES : bytes.slice(end);
  }

  #addWords(words: Int32Array): void {
    let sum = this.#sum;
    let sumOfSums = this.#sumOfSums;
    for (let from = 0; from < words.length; from += BLOCK_WORDS) {
      const end = Math.min(from + BLOCK_WORDS, words.length);
      for (let index = from; index < end; index++) {
        sum += words[index]!;
        sumOfSums += sum;
      }
      sum |= 0;
      sumOfSums |= 0;
    }
    this.#sum = sum;
    this.#sumOfSums = sumOfSums;
  }

  /** Returns 16 hexadecimal digits. The last word is padded with zeros, so lengths must be compared, too. */
  checksum(): string {
    let last = 0;
    for (const [index, byte] of this.#rest.entries()) last |= byte << (8 * index);
    const sum = (this.#sum + last) | 0;
    return hex(this.#sumOfSums + sum) + hex(sum);
  }
}
