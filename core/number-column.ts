/** An append-only column of non-negative integers: 1, 2 or 4 bytes each, as the largest value requires. */
type Numbers = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

export class NumberColumn {
  #values: Numbers = new Uint8Array(1_024);
  #max = 0xff;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** `value`: less than 2^32. */
  push(value: number): void {
    if (value > this.#max) this.#widen(value);
    if (this.#length === this.#values.length) this.#values = grown(this.#values);
    this.#values[this.#length++] = value;
  }

  at(index: number): number | undefined {
    return index < this.#length ? this.#values[index] : undefined;
  }

  #widen(value: number): void {
    const Wider = value > 0xffff ? Uint32Array : Uint16Array;
    this.#max = value > 0xffff ? 0xffffffff : 0xffff;
    const wider = new Wider(this.#values.length);
    wider.set(this.#values);
    this.#values = wider;
  }
}

function grown(values: Numbers): Numbers {
  const Same = values.constructor as new (length: number) => Numbers;
  const longer = new Same(values.length * 2);
  longer.set(values);
  return longer;
}
