/** An append-only column of unsigned 32-bit integers: 4 bytes each, at most twice that with spare capacity. */
export class Uint32Column {
  #values = new Uint32Array(1_024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const longer = new Uint32Array(this.#values.length * 2);
      longer.set(this.#values);
      this.#values = longer;
    }
    this.#values[this.#length++] = value;
  }

  /** A view of the values, valid until the next `push`. */
  get values(): Uint32Array {
    return this.#values.subarray(0, this.#length);
  }
}
