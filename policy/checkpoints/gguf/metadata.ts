/** The metadata of a GGUF file: values by key, with errors that name the file and the key. */
import { z } from 'zod';
import { MtrlError } from '../../../core/errors.ts';

export class GgufMetadata {
  /** The file's path. */
  readonly where: string;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(where: string, values: Readonly<Record<string, unknown>>) {
    this.where = where;
    this.#values = values;
  }

  get keys(): readonly string[] {
    return Object.keys(this.#values);
  }

  text(key: string): string | undefined {
    return this.#read(key, z.string());
  }

  /** Any number; integers of 64 bits are bigints in the file. */
  number(key: string): number | undefined {
    return this.#read(key, z.union([z.number(), z.bigint()]).transform(Number));
  }

  flag(key: string): boolean | undefined {
    return this.#read(key, z.boolean());
  }

  texts(key: string): readonly string[] | undefined {
    return this.#read(key, z.array(z.string()));
  }

  numbers(key: string): readonly number[] | undefined {
    return this.#read(key, z.array(z.union([z.number(), z.bigint()]).transform(Number)));
  }

  /** @throws CHECKPOINT_INVALID naming the key if the value is undefined */
  required<T>(key: string, value: T | undefined): T {
    if (value !== undefined) return value;
    throw new MtrlError('CHECKPOINT_INVALID', `the GGUF file lacks ${key} in its metadata`, { where: this.where });
  }

  #read<T>(key: string, schema: z.ZodType<T>): T | undefined {
    const value = this.#values[key];
    if (value === undefined) return undefined;
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const found = Array.isArray(value) ? 'an array of other values' : typeof value;
    throw new MtrlError('CHECKPOINT_INVALID', `${key} in the metadata of the GGUF file has the wrong type`, {
      where: this.where,
      found,
    });
  }
}
