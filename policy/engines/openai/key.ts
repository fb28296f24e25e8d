/** The key of an endpoint: read from the environment, and in no message, log or artifact. */
import { MtrlError } from '../../../core/errors.ts';
import type { EndpointSettings } from '../endpoint.ts';

const variableDefault = 'OPENAI_API_KEY';

export class Key {
  readonly variable: string;
  /** Undefined if the endpoint is asked without a key. */
  readonly #value: string | undefined;

  /** Throws ENDPOINT_REFUSED if a named variable is not set, or holds what no header can carry. */
  constructor(
    { address, keyVariable }: Pick<EndpointSettings, 'address' | 'keyVariable'>,
    environment: NodeJS.ProcessEnv,
  ) {
    this.variable = keyVariable ?? variableDefault;
    this.#value = environment[this.variable]?.trim() || undefined;
    const found =
      this.#value === undefined
        ? keyVariable && 'not set in the environment of the control worker'
        : /^[\x21-\x7e]+$/.test(this.#value)
          ? undefined
          : 'a value with characters that a header cannot carry';
    if (!found) return;
    throw new MtrlError('ENDPOINT_REFUSED', `the key of the endpoint, ${this.variable}, cannot be used`, {
      ...{ where: address, found, hint: keyHint(this.variable) },
    });
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#value === undefined ? {} : { authorization: `Bearer ${this.#value}` };
  }

  /** The text without the key: an endpoint may repeat what it was sent. */
  redacted(text: string): string {
    return this.#value === undefined ? text : text.replaceAll(this.#value, '(key)');
  }
}

export function keyHint(variable: string): string {
  return `set ${variable} in the environment of the workers and restart them (mtrl down, mtrl up)`;
}
